from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from agents.admin.widgets.checked_input import CheckedInput

# What Django's filters use.
FILTER_LOOKUPS = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")
# Each word adds a condition, and databases limit their number.
MAX_SEARCH_LENGTH = 256


class NarrowLookups(CheckedInput):
    """Allows only the lookups of filters and of our links.

    Django allows any lookup of any column, including some that fail in the database.
    """

    model: ClassVar[Any]
    list_filter: ClassVar[Any]
    # Of our links, beyond those of the filters.
    linked_lookups: ClassVar[frozenset[str]] = frozenset()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        columns = {"pk", *(field.name for field in self.model._meta.get_fields())}
        if lookup.partition("__")[0] not in columns:
            return True  # a custom filter, or unknown: Django reports it
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


class ReadOnly(NarrowLookups):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
