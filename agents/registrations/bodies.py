"""Parses plain bodies. The serializer reads all others, and explains what is wrong."""

from typing import Any

from rest_framework.serializers import ValidationError

from agents.agent_ids import is_agent_id
from agents.fast_path.plain_values import is_status, is_text
from agents.models import (
    DEFAULT_TTL_SECONDS,
    MAX_NAME_LENGTH,
    MAX_PORT,
    MAX_TTL_SECONDS,
    MAX_VERSION_LENGTH,
)
from agents.serializers.fields import (
    MAX_CARD_BYTES,
    MAX_NAME_IN_LIST_LENGTH,
    MAX_NAMES,
    CardField,
    HostField,
    MetadataField,
)
from agents.states import Status
from agents.strict_json import InvalidJSON, parse_json

# Such metadata cannot exceed its limits of size and depth.
MAX_BYTES = 2_000
MAX_BRACKETS = 32
HAS_CARD = b'"agent_card"'
MAX_BYTES_WITH_CARD = MAX_CARD_BYTES + MAX_BYTES
REQUIRED = {"agent_id", "host", "port"}
OPTIONAL = {
    "agent_name",
    "ttl_seconds",
    "metadata",
    "version",
    "tags",
    "skills",
    "status",
    "agent_card",
}

_host, _metadata, _card = HostField(), MetadataField(), CardField()


def parse_registration(body: bytes) -> dict[str, Any] | None:
    """Return what RegistrationSerializer would. None: it has to judge."""
    is_small = len(body) <= MAX_BYTES and _brackets(body) <= MAX_BRACKETS
    has_card = not is_small and len(body) <= MAX_BYTES_WITH_CARD and HAS_CARD in body
    # Escapes may stand for characters that cannot be stored.
    if b"\\u" in body or not (is_small or has_card):
        return None
    try:
        given = parse_json(body)
    except InvalidJSON:
        return None
    if not isinstance(given, dict) or given.keys() - OPTIONAL != REQUIRED:
        return None
    is_plain = (
        isinstance(given["agent_id"], str)
        and is_agent_id(given["agent_id"])
        and _is_host(given["host"])
        and _is_number(given["port"], MAX_PORT)
        and _is_number(given.setdefault("ttl_seconds", DEFAULT_TTL_SECONDS), MAX_TTL_SECONDS)
        and is_text(given.get("agent_name", ""), MAX_NAME_LENGTH)
        and is_text(given.get("version", ""), MAX_VERSION_LENGTH)
        and _is_object(given.get("metadata", {}), _metadata, must_check=has_card)
        and _is_object(given.get("agent_card", {}), _card, must_check=has_card)
        and is_status(given.get("status", Status.UNKNOWN.value))
        and _are_names(given, "tags")
        and _are_names(given, "skills")
    )
    return given if is_plain else None


def _brackets(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


def _is_host(host: Any) -> bool:
    try:
        return isinstance(host, str) and _host.run_validation(host) == host
    except ValidationError:
        return False


def _is_object(value: Any, field: MetadataField, *, must_check: bool) -> bool:
    if not isinstance(value, dict):
        return False
    try:
        return not must_check or field.run_validation(value) == value
    except ValidationError:
        return False


def _is_number(number: Any, most: int) -> bool:
    return type(number) is int and 1 <= number <= most


def _are_names(given: dict[str, Any], field: str) -> bool:
    if field not in given:
        return True
    names = given[field]
    if not isinstance(names, list) or len(names) > MAX_NAMES:
        return False
    if not all(name and is_text(name, MAX_NAME_IN_LIST_LENGTH) for name in names):
        return False
    given[field] = list(dict.fromkeys(names))
    return True
