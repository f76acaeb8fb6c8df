"""Users of people who sign in by OpenID Connect: what they may do is what the provider says."""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from registry_project.models import Identity
from registry_project.security.oidc.claims import roles_of, text_of
from registry_project.security.oidc.errors import SignInFailed

logger = logging.getLogger("registry_project.security.oidc")


def signed_in(claims: Mapping[str, Any]) -> User:
    """Raise SignInFailed, for somebody without a role too: whoever had one loses it."""
    groups = _groups(roles_of(claims))
    identity = Identity.objects.filter(issuer=claims["iss"], subject=claims["sub"])
    known = identity.select_related("user").first()
    if known is None and groups:
        user = _create(claims)
    elif known is not None:
        user = known.user
    if known is not None or groups:
        _set_rights(user, groups, claims)
    if not groups:
        raise SignInFailed(
            "You have an account at the sign-in provider, but none of your groups has a role in "
            "this registry. Ask its administrator.",
            f"no role for the subject {claims['sub']!r}",
        )
    if not user.is_active:
        raise SignInFailed("Your account is disabled in this registry.", f"{user} is disabled")
    return user


def _groups(roles: set[str]) -> list[Group]:
    found = list(Group.objects.filter(name__in=roles))
    if missing := roles - {group.name for group in found}:
        logger.error("OIDC_ROLES names groups that do not exist: %s", ", ".join(sorted(missing)))
    return found


def _create(claims: Mapping[str, Any]) -> User:
    name = _username(claims)
    try:
        with transaction.atomic():
            if User.objects.filter(username__iexact=name).exists():
                raise IntegrityError  # noqa: TRY301 - as in a race
            user = User.objects.create_user(name)
            Identity.objects.create(user=user, issuer=claims["iss"], subject=claims["sub"])
    except IntegrityError as error:
        raise SignInFailed(
            f"Another account of this registry has the name {name} already. Ask its "
            "administrator to rename or delete that account.",
            f"the name {name!r} is taken",
        ) from error
    return user


def _username(claims: Mapping[str, Any]) -> str:
    claim = settings.OIDC_USERNAME_CLAIM
    name = text_of(claims, claim)
    if claim == "email" and claims.get("email_verified") is False:
        raise SignInFailed("The sign-in provider has not verified your mail address.")
    try:
        User.username_validator(name)
    except ValidationError as error:
        raise SignInFailed(
            "The sign-in provider sent no name that can be used here.", f"{claim} is {name!r}"
        ) from error
    return name


@transaction.atomic
def _set_rights(user: User, groups: list[Group], claims: Mapping[str, Any]) -> None:
    user.groups.set(groups)
    user.user_permissions.clear()
    user.is_staff, user.is_superuser = bool(groups), False
    user.email = text_of(claims, "email", 254)
    user.first_name = text_of(claims, "given_name")
    user.last_name = text_of(claims, "family_name")
    user.save()
