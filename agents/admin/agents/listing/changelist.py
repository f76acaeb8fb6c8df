from typing import Any, cast

from django.contrib.admin.views.main import IGNORED_PARAMS, SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from agents.admin.agents.listing.filters import (
    ORDER,
    TEXT_PARAMETERS,
    TITLES,
    ActiveFilter,
    active_filters,
)
from agents.admin.widgets.cells import counted
from agents.admin.widgets.paging import CappedPaginator
from agents.leases.fleet.last_count import recent_count

DISPLAY_PARAMETERS = {*IGNORED_PARAMS} - {SEARCH_VAR}


class FleetChangeList(ChangeList):
    """`result_count`: agents that have pages. `count_in_words`: all."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.parameters = [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name in TITLES or name == ORDER
        ]
        self.active_filters: list[ActiveFilter] = active_filters(self.parameters)
        super().__init__(request, *args, **kwargs)

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        # Database drivers refuse NUL, Django's filters do not.
        for name in self.filter_params.keys() - DISPLAY_PARAMETERS:
            values = self.filter_params[name]
            if isinstance(values, list) and any("\0" in value for value in values):
                cleaned = [value.replace("\0", "") for value in values]
                self.filter_params = {**self.filter_params, name: cleaned}
                self.root_queryset = self.root_queryset.none()
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        # Databases limit the number of columns in ORDER BY.
        if ORDER in self.params:
            columns = self.params[ORDER].split(".")
            self.params[ORDER] = ".".join(columns[: len(self.list_display)])
        return super().get_ordering(request, queryset)

    def get_results(self, request: HttpRequest) -> None:
        paginator = CappedPaginator(self.queryset, self.list_per_page)
        first = list(self.queryset[: self.list_per_page + 1]) if self.page_num <= 1 else []
        if self.page_num <= 1 and len(first) <= self.list_per_page:
            paginator.set_count(len(first))
        self.paginator = paginator
        self.result_count = paginator.count
        self.multi_page = self.result_count > self.list_per_page
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.page_num = min(max(self.page_num, 1), paginator.num_pages)
        if self.show_all and self.can_show_all and self.multi_page:
            rows = list(self.queryset)
        elif first:
            rows = first[: self.list_per_page]
        else:
            rows = list(paginator.page(self.page_num).object_list)
        query = [pair for pair in self.parameters if pair[1]]
        for agent in rows:
            agent.list_query = query
        self.result_list = cast("Any", rows)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True

    @property
    def is_more(self) -> bool:
        return bool(self.paginator.is_more)

    @cached_property
    def count_in_words(self) -> str:
        if self.is_more and not self.active_filters:
            return f"{max(recent_count().registered, CappedPaginator.MOST):,} agents"
        if self.is_more:
            return f"more than {CappedPaginator.MOST:,} agents"
        return counted(self.result_count, "agent")

    @property
    def hidden_parameters(self) -> list[tuple[str, str]]:
        return [pair for pair in self.parameters if pair[0] not in TEXT_PARAMETERS]


class MatchingAgents(FleetChangeList):
    def get_results(self, request: HttpRequest) -> None:
        pass
