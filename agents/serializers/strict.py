"""Serializers that refuse what they do not know."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

NO_SUCH_FIELD = "There is no such field."
# An answer names at most this many unknown fields.
MOST_NAMED = 10
MAX_SHOWN_LENGTH = 80


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields by name: a misspelt one would otherwise be silently dropped."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        errors: dict[str, Any] = {
            name[:MAX_SHOWN_LENGTH]: [NO_SUCH_FIELD] for name in unknown[:MOST_NAMED]
        }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail | errors) from error  # type: ignore[operator]  # a dict, from here
        if errors:
            raise serializers.ValidationError(errors)
        return value
