"""Unknown query parameters are refused: a misspelt filter would filter nothing."""

from collections.abc import Iterable
from functools import cache

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from agents.serializers.strict import name_errors

# Django REST framework's own.
FORMAT = "format"


def check_parameters(
    request: Request, serializers: Iterable[type[Serializer[object]]] = ()
) -> None:
    """Raise ValidationError for parameters that are no field of the `serializers`."""
    known = set[str]().union(*map(_names, serializers))
    unknown = request.query_params.keys() - known - {FORMAT}
    if unknown:
        text = "There is no such parameter."
        if known:
            text += f" Known are: {', '.join(sorted(known))}."
        raise ValidationError(name_errors(unknown, text))


@cache
def _names(serializer: type[Serializer[object]]) -> frozenset[str]:
    return frozenset(serializer().fields)
