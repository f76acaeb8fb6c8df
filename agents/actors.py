"""Who did something, as recorded in the history."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

AGENT = "agent"
SWEEP = "sweep"
REGISTRY = "registry"
COMMAND = "command"
# A prefix.
STAFF = "admin:"


def staff(user: AbstractBaseUser | AnonymousUser) -> str:
    return f"{STAFF}{user.get_username()}"
