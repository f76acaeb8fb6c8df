"""What all of the registry's pages have in common: nothing is edited there."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

# How the list's filters ask of a field.
FILTERS_ASK = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")
# Each word is a condition more, of which a database takes only so many.
LONGEST_SEARCH = 256


class NarrowLookups:
    """For a ModelAdmin: its list is asked only in the ways in which its filters and our links ask.

    Django would take any lookup of any column from the address, also such as the database, or the
    driver, chokes on.
    """

    model: ClassVar[Any]
    list_filter: ClassVar[Any]
    # Lookups in the addresses of our own links, beside those of the list's filters.
    linked_lookups: ClassVar[frozenset[str]] = frozenset()

    def lookup_allowed(
        self,
        lookup: str,
        value: str,  # noqa: ARG002
        request: HttpRequest | None = None,  # noqa: ARG002
    ) -> bool:
        columns = {"pk", *(field.name for field in self.model._meta.get_fields())}  # noqa: SLF001
        if lookup.partition("__")[0] not in columns:
            return True  # of a filter of ours, or of nothing, which Django tells
        filters = [found for found in self.list_filter if isinstance(found, str | tuple)]
        names = [found if isinstance(found, str) else found[0] for found in filters]
        lookups = {f"{name}{how}" for name in names for how in FILTERS_ASK}
        return lookup in lookups | self.linked_lookups

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(  # type: ignore[misc]
            request, queryset, search_term
        )
        return found


class ReadOnly(NarrowLookups):
    """For a ModelAdmin whose records are written by `agents.leases` alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
