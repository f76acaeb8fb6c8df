"""What callers send, read by serializers that are made once.

A serializer copies all of its fields when it is made, which costs more than what it is made for;
reading leaves nothing behind in it.
"""

from functools import cache
from typing import Any

from rest_framework import serializers


def read(kind: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return `data` as a serializer of this kind validates it. Raise ValidationError."""
    try:
        said: dict[str, Any] = _made_once(kind).run_validation(data)
    except serializers.ValidationError:
        serializer = kind(data=data)  # by the longer way, which also tells the errors as ever
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
    return said


@cache
def _made_once(kind: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    return kind()
