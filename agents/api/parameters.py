"""Refuses unknown query parameters: a misspelt filter would filter nothing."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import ListField, Serializer

from agents.serializers.strict import name_errors

FORMAT = "format"
ONCE = "Give it once."


def check_parameters(
    request: Request, serializers: Iterable[type[Serializer[object]]] = ()
) -> None:
    """Raise ValidationError for unknown or repeated parameters.

    Known: the serializers' fields, and names with one of their `prefixes`.
    """
    kinds = list(serializers)
    given = request.query_params
    known = set[str]().union(*map(_names, kinds))
    prefixes = tuple(prefix for kind in kinds for prefix in _prefixes(kind))
    unknown = {
        name
        for name in given.keys() - known - {FORMAT}
        if name in prefixes or not name.startswith(prefixes)
    }
    if unknown:
        text = "There is no such parameter."
        shown = sorted({*known, *(f"{prefix}KEY" for prefix in prefixes)})
        if shown:
            text += f" Choose from: {', '.join(shown)}."
        raise ValidationError(name_errors(unknown, text))
    single = set[str]().union(*map(_single_names, kinds))
    if repeated := {name for name in single if len(given.getlist(name)) > 1}:
        raise ValidationError(name_errors(repeated, ONCE))


@cache
def _names(serializer: type[Serializer[object]]) -> frozenset[str]:
    return frozenset(serializer().fields)


@cache
def _single_names(serializer: type[Serializer[object]]) -> frozenset[str]:
    fields = serializer().fields.items()
    return frozenset(name for name, field in fields if not isinstance(field, ListField))


def _prefixes(serializer: Any) -> tuple[str, ...]:
    return tuple(getattr(serializer, "prefixes", ()))
