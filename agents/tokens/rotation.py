"""Replaces a token by another of the same rights, while both are valid for some time."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Least

from agents.database.clock import DatabaseNow
from agents.models import AccessToken
from agents.querysets import read_at
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from agents.tokens.access import UnknownToken
from agents.tokens.terms import BadTerms

MAX_OVERLAP = timedelta(days=90)


class NotReplaceable(Exception):
    """The message is for people."""


def rotate(
    *, key: str, actor: str, overlap: timedelta, lifetime: timedelta | None
) -> tuple[AccessToken, str]:
    """Issue a token that has the rights and the agents of another, which ends after `overlap`.

    Return the new one as `issue` does. Raise UnknownToken, NotReplaceable or BadTerms.
    """
    if not timedelta(0) < overlap <= MAX_OVERLAP:
        raise BadTerms("overlap", f"It must be more than 0 and at most {MAX_OVERLAP.days} days.")
    with transaction.atomic():
        old = _lock(key)
        problem = problem_of(old)
        if problem:
            raise NotReplaceable(problem)
        ends = DatabaseNow() + overlap
        AccessToken.objects.filter(pk=old.pk).update(
            family=old.family or old.key,
            expires_at=ends if old.expires_at is None else Least("expires_at", ends),
        )
        old.refresh_from_db()
        issued = access_tokens.issue(
            name=old.name,
            actor=actor,
            may_register=old.may_register,
            may_read=old.may_read,
            may_operate=old.may_operate,
            agent_prefix=old.agent_prefix,
            max_agents=old.max_agents,
            lifetime=lifetime,
            replaces=old,
        )
        transaction.on_commit(lambda: token_cache.forget(key))
    return issued


def problem_of(token: AccessToken) -> str:
    """Return why a token, with `read_at`, cannot be replaced, or "" if it can."""
    state = token.state(read_at(token))
    if state != AccessToken.State.GOOD:
        return f"Token {token.key} is {state}: issue another one."
    newer = successor_of(token)
    return f"Token {token.key} was replaced by {newer.key}." if newer else ""


def family_of(token: AccessToken) -> QuerySet[AccessToken]:
    """Without the token itself."""
    if not token.family:
        return AccessToken.objects.none()
    return AccessToken.objects.filter(family=token.family).exclude(pk=token.pk)


def successor_of(token: AccessToken) -> AccessToken | None:
    return family_of(token).filter(pk__gt=token.pk).order_by("pk").first()


def predecessor_of(token: AccessToken) -> AccessToken | None:
    return family_of(token).filter(pk__lt=token.pk).order_by("-pk").first()


def _lock(key: str) -> AccessToken:
    if not key.isalnum():  # PostgreSQL refuses NUL
        raise UnknownToken(key)
    tokens = AccessToken.objects.select_for_update().filter(key=key)
    token = tokens.annotate(read_at=DatabaseNow()).first()
    if token is None:
        raise UnknownToken(key)
    return token
