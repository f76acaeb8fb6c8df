from typing import Any, ClassVar

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import Field
from django.http import HttpRequest


class CheckedInput:
    """Drops impossible keys and field names, which Django's admin passes on to the database."""

    model: ClassVar[Any]

    def response_action(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        posted = request.POST.copy()
        key = self.model._meta.pk
        ticked = [text for text in posted.getlist(ACTION_CHECKBOX_NAME) if _fits(key, text)]
        posted.setlist(ACTION_CHECKBOX_NAME, ticked)
        request.POST = posted  # type: ignore[assignment]
        return super().response_action(request, *args, **options)  # type: ignore[misc]

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        # Django also allows names of relations, which have no column.
        columns = {field.name for field in self.model._meta.concrete_fields}
        return to_field in columns and super().to_field_allowed(request, to_field)  # type: ignore[misc]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        # The parameter may be empty.
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]


def _fits(field: Field[Any, Any], text: str) -> bool:
    try:
        field.run_validators(field.to_python(text))
    except ValidationError:
        return False
    return "\0" not in text
