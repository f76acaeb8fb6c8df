import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import httpx

from .host import own_host
from .lease import is_sendable

DEFAULT_PORT = 8000
EnrolmentToken = str | Callable[[], str | None] | None
AgentCard = Mapping[str, Any] | Callable[[str], Mapping[str, Any] | None] | None


def describe(
    agent_id: str, ttl_seconds: int, metadata: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Return the body of a registration, without the empty values of `more`.

    Host and port: AGENT_HOST and AGENT_PORT, else the metadata's, else no host and 8000. Raises
    ValueError if the port is not a number.
    """
    environ = os.environ
    host = environ.get("AGENT_HOST") or metadata.get("host")
    return {
        "agent_id": agent_id,
        "agent_name": agent_id,
        **({"host": host} if host else {}),
        "port": int(environ.get("AGENT_PORT") or metadata.get("port") or DEFAULT_PORT),
        "ttl_seconds": ttl_seconds,
        "metadata": dict(metadata),
        **{key: value for key, value in more.items() if value},
    }


async def complete(
    description: Mapping[str, Any], card: AgentCard, towards: httpx.URL
) -> dict[str, Any]:
    """Add a host and, if there is one, the card, which may be a function of the host."""
    host = description.get("host") or await own_host(towards)
    known = card(host) if callable(card) else card
    return {**description, "host": host, **({"agent_card": known} if known else {})}


def token_to_show(enrolment_token: EnrolmentToken) -> str | None:
    """Raises ValueError, without the token."""
    token = enrolment_token() if callable(enrolment_token) else enrolment_token
    if token and not is_sendable(token):
        raise ValueError("the enrolment token is not one line of ASCII characters")
    return token or None


def hint(status: int, token: str | None) -> str:
    if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ""
    if token is None:
        return " - set AGENT_ENROLMENT_TOKEN, or AGENT_ENROLMENT_TOKEN_FILE"
    return " - the token in AGENT_ENROLMENT_TOKEN, or its file, is not good for this agent"
