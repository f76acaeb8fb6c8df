"""The login is not to be guessed.

django-axes locks a name for an address after a few wrong passwords, and counts them in the
database. Beside that, one address may try few wrong passwords altogether, under however many names.
"""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest

from agents import limits

WRONG_LOGINS = "RATE_WRONG_LOGINS_PER_ADDRESS"


class GuardedBackend(AxesStandaloneBackend, ModelBackend):  # type: ignore[misc]  # has no types
    """Django's, behind both locks: whether there is such a user, no lock asks."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        """Return the user. Raise PermissionDenied for one who may not try.

        Without a request nobody is at the door: it is a program of ours that asks.
        """
        if request is None:
            return ModelBackend.authenticate(self, request, username, password, **more)
        AxesStandaloneBackend.authenticate(self, request, username, password, **more)
        if limits.look(WRONG_LOGINS, _key(request)):
            # By these, the middleware of django-axes answers with the page of a locked login.
            request.axes_locked_out = True  # type: ignore[attr-defined]
            request.axes_credentials = {"username": username}  # type: ignore[attr-defined]
            raise PermissionDenied
        return ModelBackend.authenticate(self, request, username, password, **more)


@receiver(user_login_failed)
def count_wrong_login(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    if request is not None and not getattr(request, "axes_locked_out", False):
        limits.count(WRONG_LOGINS, _key(request))


def _key(request: HttpRequest) -> str:
    return limits.address_key(request.META.get("REMOTE_ADDR"))
