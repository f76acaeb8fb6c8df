"""Recognises an access token in a text that somebody has, without using it."""

from dataclasses import dataclass

from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from agents.models import AccessToken
from agents.tokens.access import PREFIX, TOKEN, digest_of


@dataclass(frozen=True)
class Recognised:
    """`is_whole`: the text has the secret of this token too, and it is right."""

    token: AccessToken
    is_whole: bool


def has_token(text: str) -> bool:
    """Return whether a text may have a secret in it. It then belongs in no URL, log or query."""
    return PREFIX in text


@sensitive_variables()
def recognise(text: str) -> Recognised | None:
    parts = TOKEN.search(text)
    if parts is None:
        return None
    key, secret = parts.groups()
    token = AccessToken.objects.with_agents().filter(key=key).first()
    if token is None:
        return None
    return Recognised(token, constant_time_compare(digest_of(secret), token.digest))
