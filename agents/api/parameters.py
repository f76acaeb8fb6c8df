"""Query parameters: unknown ones are refused, since a misspelt filter would filter nothing."""

from collections.abc import Iterable

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

# Of Django REST framework: which renderer answers.
FORMAT = "format"
MOST_NAMED = 10
MAX_SHOWN_LENGTH = 80


def check_parameters(
    request: Request, serializers: Iterable[type[Serializer[object]]] = ()
) -> None:
    """Raise ValidationError for parameters that none of the `serializers` has as a field."""
    known = {FORMAT}.union(*(serializer().fields for serializer in serializers))
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        hint = f"There is no such parameter. Known are: {', '.join(sorted(known - {FORMAT}))}."
        text = hint if len(known) > 1 else "There is no such parameter."
        raise ValidationError({name[:MAX_SHOWN_LENGTH]: [text] for name in unknown[:MOST_NAMED]})
