from collections.abc import Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from agents.discovery.version_ranges import VersionRange, is_range
from agents.serializers.fields import MAX_METADATA_BYTES

MAX_REPEATS = 64


class RepeatableField(serializers.ListField):
    """Values of a repeated parameter, without empty ones.

    Errors do not name a value's place.
    """

    child: Any
    default_error_messages = {"too_many": "At most {limit} values."}

    def __init__(
        self,
        child: serializers.Field[Any, Any, Any, Any],
        max_values: int = MAX_REPEATS,
        **options: Any,
    ) -> None:
        self._max_values = max_values
        super().__init__(child=child, default=[], **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        texts = [text for text in self.texts(data) if text]
        if len(texts) > self._max_values:
            self.fail("too_many", limit=self._max_values)
        values: list[Any] = []
        problems: list[Any] = []
        for text in texts:
            try:
                values.append(self.child.run_validation(text))
            except serializers.ValidationError as error:
                problems += error.detail
        if problems:
            raise serializers.ValidationError(problems)
        return values

    def texts(self, data: Iterable[str]) -> Iterable[str]:
        return data


class ListedField(RepeatableField):
    """Values separated by commas or repeated, without duplicates."""

    def to_internal_value(self, data: Any) -> list[Any]:
        return list(dict.fromkeys(super().to_internal_value(data)))

    def texts(self, data: Iterable[str]) -> Iterable[str]:
        return [text.strip() for texts in data for text in texts.split(",")]


class NameField(serializers.ChoiceField):
    default_error_messages = {"invalid_choice": "“{input}” is unknown. Choose from: {known}."}

    def to_internal_value(self, data: Any) -> Any:
        if data not in self.choices:
            self.fail("invalid_choice", input=data[:80], known=", ".join(map(str, self.choices)))
        return super().to_internal_value(data)


class SwitchField(serializers.BooleanField):
    default_empty_html = empty

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)


class MetadataValuesField(RepeatableField):
    """Spaces count."""

    def __init__(self) -> None:
        child = serializers.CharField(max_length=MAX_METADATA_BYTES, trim_whitespace=False)
        super().__init__(child=child)


class VersionField(serializers.CharField):
    default_error_messages = {"invalid_range": "{problem}"}

    def run_validation(self, data: Any = empty) -> Any:
        text: str = super().run_validation(data)
        if not is_range(text):
            return text
        try:
            return VersionRange(text)
        except ValueError as error:
            self.fail("invalid_range", problem=error)
