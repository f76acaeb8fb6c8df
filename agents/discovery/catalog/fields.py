"""The filter of a query: ARD, section 7.1."""

import json
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.discovery.catalog.paths import UnknownPath, path_of
from agents.serializers.strict import name_errors

MAX_KEYS, MAX_VALUES, MAX_VALUE_LENGTH = 16, 64, 4_000
NOT_FILTERED = "Agents are not filtered by this."


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        },
    }
)
class FilterField(serializers.Field[Any, Any, Any, Any]):
    """Texts by path. Numbers and booleans are converted as JSON writes them."""

    default_error_messages = {
        "not_an_object": "Give an object of paths and values.",
        "too_many": f"At most {MAX_KEYS} paths.",
        "bad_value": f"Give a text, or up to {MAX_VALUES} of them in a list.",
    }

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        if not isinstance(data, Mapping):
            self.fail("not_an_object")
        if len(data) > MAX_KEYS:
            self.fail("too_many")
        filters, unknown = {}, []
        for name, value in data.items():
            try:
                path_of(name)
            except UnknownPath:
                unknown.append(name)
            filters[name] = self._texts(value)
        if unknown:
            raise serializers.ValidationError(name_errors(unknown, NOT_FILTERED))
        return filters

    def _texts(self, value: Any) -> list[str]:
        values = value if isinstance(value, list) else [value]
        if not 0 < len(values) <= MAX_VALUES:
            self.fail("bad_value")
        return [self._text(one) for one in values]

    def _text(self, value: Any) -> str:
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        if not isinstance(value, str) or len(value) > MAX_VALUE_LENGTH or "\0" in value:
            self.fail("bad_value")
        return value
