import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents import agent_ids
from agents.models import MAX_HOST_LENGTH, MAX_ID_LENGTH
from agents.strict_json import InvalidJSON, parse_json

# A DNS name; container networks also allow underscores.
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
# Programs read these as IPv4 addresses.
NUMERIC = re.compile(r"(.*\.)?(\d+|0[xX][0-9A-Fa-f]*)\.?")
MAX_METADATA_BYTES = 4_000
MAX_METADATA_DEPTH = 32
MAX_CARD_BYTES = 16 * 1024
MAX_NAMES = 64
MAX_NAME_IN_LIST_LENGTH = 64


class AgentIdField(serializers.RegexField):
    default_error_messages = {
        "invalid": "An id has 1 to 255 of A-Z, a-z, 0-9, '.', '_', ':', '-'.",
        "reserved": "{value!r} cannot be an id.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", MAX_ID_LENGTH)
        super().__init__(rf"^{agent_ids.PATTERN}\Z", trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if value in agent_ids.RESERVED:
            self.fail("reserved", value=value)
        return value


class HostField(serializers.CharField):
    default_error_messages = {
        "invalid_host": "Give a host name or an IP address, without a port.",
        "no_address": "{value!r} is not an IPv4 address. Give four numbers from 0 to 255.",
        "uncallable": "Nobody can call {value}: it is {kind}. Give the address of this agent.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_HOST_LENGTH, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        address = _address_without_zone(value)
        if address is None:
            if NUMERIC.fullmatch(value):
                self.fail("no_address", value=value)
            if not HOST_NAME.fullmatch(value):
                self.fail("invalid_host")
        elif kind := _uncallable(address):
            self.fail("uncallable", value=value, kind=kind)
        return value


class NamesField(serializers.ListField):
    """Drops duplicates."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=MAX_NAME_IN_LIST_LENGTH)
        super().__init__(child=child, max_length=MAX_NAMES, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


@extend_schema_field({"type": "object", "additionalProperties": {}})
class MetadataField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object, or a string that holds one."""

    max_bytes = MAX_METADATA_BYTES
    default_error_messages = {
        "not_an_object": "Give a JSON object.",
        "too_large": "At most {limit:,} bytes as JSON; these are {size:,}.",
        "too_deep": "At most {limit} levels of nesting.",
        "bad_text": "Text with NUL characters or half of a surrogate pair cannot be stored.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            try:
                data = parse_json(data.encode())
            except (InvalidJSON, UnicodeEncodeError):
                self.fail("not_an_object")
        if not isinstance(data, Mapping):
            self.fail("not_an_object")
        self._check_depth_and_text(data)
        try:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            self.fail("not_an_object")
        size = len(text.encode())
        if size > self.max_bytes:
            self.fail("too_large", limit=self.max_bytes, size=size)
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return value

    def _check_depth_and_text(self, data: Mapping[str, Any]) -> None:
        level: list[Any] = [data]
        for _ in range(MAX_METADATA_DEPTH):
            deeper: list[Any] = []
            for value in level:
                if isinstance(value, str) and not _can_be_stored(value):
                    self.fail("bad_text")
                if isinstance(value, Mapping):
                    deeper += [*value.keys(), *value.values()]
                elif isinstance(value, list):
                    deeper += value
            if not deeper:
                return
            level = deeper
        self.fail("too_deep", limit=MAX_METADATA_DEPTH)


class CardField(MetadataField):
    """An agent's A2A card. Its content is not checked."""

    max_bytes = MAX_CARD_BYTES


def _address_without_zone(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def _uncallable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified:
        return "the address of every interface, for listening"
    if address.is_multicast:
        return "a multicast address"
    if str(address) == "255.255.255.255":
        return "the broadcast address"
    return "a reserved address" if address.is_reserved and address.version == 4 else None  # noqa: PLR2004


def _can_be_stored(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
