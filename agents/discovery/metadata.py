import json
from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, F, Q, Value
from rest_framework import serializers

from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.strict_json import InvalidJSON, parse_json

PREFIX = "meta."
MAX_KEY_LENGTH = 256
MAX_LEVELS = 8


class HasMember(Fragment):
    """Whether the member below these keys is one of the `values`, a JSON array."""

    fragment = staticmethod(dialect.has_member)
    output_field = BooleanField()

    def __init__(self, field: str, keys: Iterable[str], values: str) -> None:
        super().__init__(F(field), *map(Value, [*keys, values]))


class MetadataKeyField(serializers.CharField):
    default_error_messages = {"levels": "At most {limit} levels of keys."}

    def __init__(self) -> None:
        super().__init__(max_length=MAX_KEY_LENGTH, trim_whitespace=False)

    def to_internal_value(self, data: str) -> str:
        key: str = super().to_internal_value(data)
        if key.count(".") >= MAX_LEVELS:
            self.fail("levels", limit=MAX_LEVELS)
        return key


def has_value(key: str, texts: Iterable[str]) -> Q:
    """Match any of the `texts`, as a string, number or boolean.

    A key with dots is a path, or a name that has dots.
    """
    values = json.dumps([value for text in texts for value in _readings(text)])
    places = {(key,), tuple(key.split("."))}
    matches = Q()
    for keys in sorted(places):
        matches |= Q(HasMember("metadata", keys, values))
    return matches


def _readings(text: str) -> list[Any]:
    try:
        value = parse_json(text.encode())
    except InvalidJSON:
        return [text]
    return [text, value] if isinstance(value, bool | int | float) else [text]
