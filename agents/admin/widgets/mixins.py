from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.text import capfirst

from agents.admin.widgets.kept_input import KeptInput
from agents.admin.widgets.scripts import OwnScripts

FILTER_LOOKUPS = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")
# Databases limit the number of conditions, one for each word.
MAX_SEARCH_LENGTH = 256


class CheckedInput(KeptInput, OwnScripts):
    model: ClassVar[Any]
    list_filter: ClassVar[Any]
    linked_lookups: ClassVar[frozenset[str]] = frozenset()

    def response_action(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        posted = request.POST.copy()
        key = self.model._meta.pk
        ticked = [text for text in posted.getlist(ACTION_CHECKBOX_NAME) if _fits(key, text)]
        posted.setlist(ACTION_CHECKBOX_NAME, ticked)
        request.POST = posted  # type: ignore[assignment]
        return super().response_action(request, *args, **options)  # type: ignore[misc]

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        columns = {field.name for field in self.model._meta.concrete_fields}
        return to_field in columns and super().to_field_allowed(request, to_field)  # type: ignore[misc]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            request.GET = _in_utc(self.model, request.GET)  # type: ignore[assignment]
            return super().get_changelist_instance(request)  # type: ignore[misc]
        except IncorrectLookupParameters as error:
            # Django shows the list without filters, and does not say why.
            text = f"This is the list without filters. {_explain(error)}"
            messages.error(request, text.strip())
            raise

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        columns = {"pk", *(field.name for field in self.model._meta.get_fields())}
        if lookup.partition("__")[0] not in columns:
            return True  # a custom filter, or Django reports it
        filters = [found for found in self.list_filter if isinstance(found, str | tuple)]
        names = [found if isinstance(found, str) else found[0] for found in filters]
        lookups = {f"{name}{suffix}" for name in names for suffix in FILTER_LOOKUPS}
        return lookup in lookups | self.linked_lookups

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if len(search_term) > MAX_SEARCH_LENGTH:
            return queryset.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(  # type: ignore[misc]
            request, queryset, search_term
        )
        return found


class ReadOnly(CheckedInput):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TitledList:
    """Titles a list by what it has, instead of "Select ... to change"."""

    model: ClassVar[Any]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": capfirst(self.model._meta.verbose_name_plural)} | (extra_context or {})
        response: HttpResponse = super().changelist_view(request, context)  # type: ignore[misc]
        return response


def _fits(field: Field[Any, Any], text: str) -> bool:
    try:
        field.run_validators(field.to_python(text))
    except ValidationError:
        return False
    return "\0" not in text


def _in_utc(model: type[Model], query: QueryDict) -> QueryDict:
    """So that a link means the same to everybody."""
    times = {field.name: field for field in model._meta.fields if isinstance(field, DateTimeField)}
    changed = query.copy()
    for name, values in query.lists():
        field = times.get(name.partition("__")[0])
        if field is not None:
            changed.setlist(name, [_time_in_utc(field, value) for value in values])
    return changed


def _time_in_utc(field: DateTimeField[Any, Any], text: str) -> str:
    try:
        moment = field.to_python(text)
        if not isinstance(moment, datetime):
            return text
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC).isoformat()
        moment.astimezone(UTC)
    except ValidationError:
        pass
    except OverflowError as error:
        problem = ValidationError(f"“{text}” is too early or too late for a date.")
        raise IncorrectLookupParameters(problem) from error
    return text


def _explain(error: IncorrectLookupParameters) -> str:
    [reason] = error.args or [None]
    return " ".join(reason.messages) if isinstance(reason, ValidationError) else ""
