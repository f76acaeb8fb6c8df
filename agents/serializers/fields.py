"""Fields of the API with rules of their own."""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.models import MAX_HOST_LENGTH, MAX_ID_LENGTH

ID_PATTERN = rf"[A-Za-z0-9._:-]{{1,{MAX_ID_LENGTH}}}"
# Paths below /agents, now or later, and what clients take for steps in a path.
NO_IDS = frozenset({"register", "heartbeat", "watch", "pick", ".", ".."})
# A name as in DNS, but with the underscores that container networks have.
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
MAX_METADATA_BYTES = 4_000
MAX_METADATA_DEPTH = 32


class AgentIdField(serializers.RegexField):
    default_error_messages = {
        "invalid": "An id has 1 to 255 of A-Z, a-z, 0-9, '.', '_', ':', '-'.",
        "reserved": "{value!r} cannot be an id.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", MAX_ID_LENGTH)
        super().__init__(rf"^{ID_PATTERN}\Z", trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if value in NO_IDS:
            self.fail("reserved", value=value)
        return value


class HostField(serializers.CharField):
    """A host name or an IP address, without a port."""

    default_error_messages = {"invalid_host": "Give a host name or an IP address, without a port."}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_HOST_LENGTH, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if not HOST_NAME.fullmatch(value) and not _is_address(value):
            self.fail("invalid_host")
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class MetadataField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object; null stands for an empty one, and a string that holds one is taken too."""

    default_error_messages = {
        "not_an_object": "Give a JSON object.",
        "too_large": "At most {limit:,} bytes as JSON; these are {size:,}.",
        "too_deep": "At most {limit} levels of nesting.",
        "bad_text": "Text with NUL characters or half of a surrogate pair cannot be kept.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError):
                self.fail("not_an_object")
        if not isinstance(data, Mapping):
            self.fail("not_an_object")
        self._check_depth_and_text(data)
        try:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            self.fail("not_an_object")
        size = len(text.encode())
        if size > MAX_METADATA_BYTES:
            self.fail("too_large", limit=MAX_METADATA_BYTES, size=size)
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return value

    def _check_depth_and_text(self, data: Mapping[str, Any]) -> None:
        level: list[Any] = [data]
        for _ in range(MAX_METADATA_DEPTH):
            deeper: list[Any] = []
            for value in level:
                if isinstance(value, str) and _cannot_be_kept(value):
                    self.fail("bad_text")
                if isinstance(value, Mapping):
                    deeper += [*value.keys(), *value.values()]
                elif isinstance(value, list):
                    deeper += value
            if not deeper:
                return
            level = deeper
        self.fail("too_deep", limit=MAX_METADATA_DEPTH)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _cannot_be_kept(text: str) -> bool:
    try:
        return b"\0" in text.encode()
    except UnicodeEncodeError:
        return True
