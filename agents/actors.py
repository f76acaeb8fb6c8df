from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

AGENT = "agent"
SWEEP = "sweep"
REGISTRY = "registry"
COMMAND = "command"
ANYBODY = "anybody"  # where no token is needed
PROBE = "probe"
STAFF = "admin:"
TOKEN = "token:"  # noqa: S105 - it precedes a key


def staff(user: AbstractBaseUser | AnonymousUser) -> str:
    return f"{STAFF}{user.get_username()}"


def token(key: str) -> str:
    return f"{TOKEN}{key}"
