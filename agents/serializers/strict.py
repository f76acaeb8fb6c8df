from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

NO_SUCH_FIELD = "There is no such field."
MOST_NAMED = 10
MAX_SHOWN_LENGTH = 80


def name_errors(names: Iterable[str], text: str) -> dict[str, list[str]]:
    """Return errors with `text` for the first few of the `names`, each shortened."""
    return {name[:MAX_SHOWN_LENGTH]: [text] for name in sorted(names)[:MOST_NAMED]}


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields, which DRF would silently drop.

    Null leaves out an optional field, since many clients send all fields.
    """

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.allow_null = field.allow_null or not field.required  # in OpenAPI
        return fields

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else ()
        errors: dict[str, Any] = dict(name_errors(unknown, NO_SUCH_FIELD))
        try:
            value = super().to_internal_value(self._given(data))
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail | errors) from error  # type: ignore[operator]  # a dict, from here
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _given(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        optional = {name for name, field in self.fields.items() if not field.required}
        return {k: v for k, v in data.items() if v is not None or k not in optional}
