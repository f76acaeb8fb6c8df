"""Who did something, as the history has it."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

AGENT = "agent"
SWEEP = "sweep"
REGISTRY = "registry"
COMMAND = "command"
# What the name of a member of the staff begins with.
STAFF = "admin:"


def staff(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return the name of a member of the staff, who has logged in."""
    return f"{STAFF}{user.get_username()}"
