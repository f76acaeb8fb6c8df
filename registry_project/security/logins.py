"""django-axes locks a name for an address, a rate locks an address for all names."""

import math
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from agents import addresses, rate_limits
from agents.durations import in_words
from registry_project.security.permissions import RightsBackend

WRONG_LOGINS = "RATE_WRONG_LOGINS_PER_ADDRESS"


class GuardedBackend(AxesStandaloneBackend, RightsBackend):  # type: ignore[misc]  # has no types
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        if request is None:
            return RightsBackend.authenticate(self, request, username, password, **more)
        AxesStandaloneBackend.authenticate(self, request, username, password, **more)
        if refusal := rate_limits.check(WRONG_LOGINS, _key(request)):
            # For the lockout page of django-axes' middleware.
            request.axes_locked_out = True  # type: ignore[attr-defined]
            request.address_is_locked_for = refusal.wait  # type: ignore[attr-defined]
            request.axes_credentials = {"username": username}  # type: ignore[attr-defined]
            raise PermissionDenied
        return RightsBackend.authenticate(self, request, username, password, **more)

    def user_can_authenticate(self, user: Any) -> bool:
        """With OpenID Connect, only superusers have passwords, for when the provider is away."""
        by_password = not settings.OIDC_ISSUER or user.is_superuser
        return by_password and bool(super().user_can_authenticate(user))


@receiver(user_login_failed)
def count_wrong_login(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    if request is not None and not getattr(request, "axes_locked_out", False):
        rate_limits.count(WRONG_LOGINS, _key(request))


def name_to_record(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Hash unknown names, which may be passwords in the wrong field."""
    name = str((credentials or request.POST).get("username") or "")
    if not name or User.objects.filter(username=name).exists():
        return name
    return f"unknown-{salted_hmac('registry_project.security.logins', name).hexdigest()[:24]}"


def locked_out(
    request: HttpRequest, _response: Any = None, _credentials: Any = None
) -> HttpResponse:
    wait = getattr(request, "address_is_locked_for", None)
    seconds = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() if wait is None else wait)
    context = {
        "site_header": admin.site.site_header,
        "site_title": admin.site.site_title,
        "wait": in_words(seconds),
        "by_address": wait is not None,
    }
    answer = render(request, "admin/locked_out.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def _key(request: HttpRequest) -> str:
    return addresses.rate_key(request.META.get("REMOTE_ADDR"))
