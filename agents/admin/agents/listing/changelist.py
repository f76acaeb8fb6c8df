from collections.abc import Sequence
from typing import Any, cast

from django.contrib.admin.views.main import IGNORED_PARAMS, SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from agents.admin.agents.listing.active_filters import ActiveFilter, active_filters
from agents.admin.agents.listing.filter_links import FilterLinks
from agents.admin.agents.listing.filters import GROUP, ORDER, TITLES
from agents.admin.agents.listing.sorting import WORST_FIRST, Sort, order_by, read_sorts
from agents.admin.widgets.cells import counted
from agents.admin.widgets.paging import CappedPaginator
from agents.conditions import with_probes
from agents.discovery.worst_first import worst_first
from agents.leases.fleet.facet_counts import (
    FacetCounts,
    count_facets_for_all,
    count_facets_of,
    last_facet_counts,
)
from agents.models import AgentRecord

DISPLAY_PARAMETERS = {*IGNORED_PARAMS, GROUP} - {SEARCH_VAR}
# The ids of so many agents are read at once, so that few need no count.
FEW = 1_000


class FleetChangeList(ChangeList):
    """`result_count`: agents that have pages. `count_in_words`: all.

    `matching_ids`: of all matching agents, if they are few.
    """

    matching_ids: Sequence[str] | None = None

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.parameters = [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name in TITLES or name in (ORDER, GROUP)
        ]
        self.active_filters: list[ActiveFilter] = active_filters(self.parameters)
        self.sorts: list[Sort] = read_sorts(request.GET.get(ORDER, ""))
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

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        found.pop(GROUP, None)
        return found

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return order_by(self.sorts)

    def get_results(self, request: HttpRequest) -> None:
        paginator = CappedPaginator(self.queryset, self.list_per_page)
        known: list[str] = []
        if self.is_surely_large:
            paginator.set_count(CappedPaginator.MOST + 1)
        elif self.page_num * self.list_per_page <= FEW:
            known = self._ids(0, FEW + 1)
            if len(known) <= FEW:
                self.matching_ids = known
                paginator.set_count(len(known))
        self.paginator = paginator
        self.result_count = paginator.count
        if self.result_count <= FEW and self.matching_ids is None:
            self.matching_ids = known = self._ids(0, FEW)
        self.multi_page = self.result_count > self.list_per_page
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.page_num = min(max(self.page_num, 1), paginator.num_pages)
        start = (self.page_num - 1) * self.list_per_page
        stop = min(start + self.list_per_page, self.result_count)
        if self.show_all and self.can_show_all:
            start, stop = 0, self.result_count
        agents = self._rows(known, start, stop)
        links = FilterLinks(self.parameters)
        for agent in agents:
            agent.filter_links = links  # type: ignore[attr-defined]
        self.result_list = cast("Any", agents)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True

    @property
    def is_filtered(self) -> bool:
        return bool(self.queryset.query.where)

    @property
    def is_surely_large(self) -> bool:
        """By the last count of all agents: another one would not say more."""
        last = None if self.is_filtered else self.last_facet_counts
        return last is not None and last.is_recent and last.agents > 2 * CappedPaginator.MOST

    def _rows(self, known: Sequence[str], start: int, stop: int) -> list[AgentRecord]:
        rows = with_probes(AgentRecord.objects.with_read_at())
        if stop > len(known) and not self.is_filtered and self.sorts[0] == WORST_FIRST:
            return worst_first(rows, start, stop)
        ids = known[start:stop] if stop <= len(known) else self._ids(start, stop)
        agents = rows.in_bulk(ids)
        return [agents[agent_id] for agent_id in ids if agent_id in agents]

    def _ids(self, start: int, stop: int) -> list[str]:
        """Rows are read for the page only: sorting whole rows would take twice as long."""
        return list(self.queryset.values_list("pk", flat=True)[start:stop])

    @cached_property
    def last_facet_counts(self) -> FacetCounts | None:
        return last_facet_counts()

    @cached_property
    def facet_counts(self) -> FacetCounts:
        """Few matching agents are counted now; if they are many, all were counted lately."""
        if self.matching_ids is not None:
            return count_facets_of(self.matching_ids)
        return self.last_facet_counts or count_facets_for_all()

    @property
    def is_more(self) -> bool:
        return bool(self.paginator.is_more)

    @cached_property
    def count_in_words(self) -> str:
        if self.is_more and not self.active_filters:
            return f"{max(self.facet_counts.agents, CappedPaginator.MOST):,} agents"
        if self.is_more:
            return f"more than {CappedPaginator.MOST:,} agents"
        return counted(self.result_count, "agent")

    def parameters_beside(self, *names: str) -> list[tuple[str, str]]:
        return [pair for pair in self.parameters if pair[0] not in names]


class MatchingAgents(FleetChangeList):
    def get_results(self, request: HttpRequest) -> None:
        pass
