"""A page of the list of agents, found without counting all of them."""

from typing import Any, cast

from django.contrib.admin.views.main import IGNORED_PARAMS, SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from agents.admin.agents.listing.filters import ORDER, TITLES, InForce, in_force
from agents.admin.widgets.paging import CappedPaginator
from agents.metrics.shared_counts import SharedCount
from agents.models import AgentRecord

# Parameters that narrow nothing: how the list is sorted, and where on it somebody is.
HOW_IT_IS_SHOWN = {*IGNORED_PARAMS} - {SEARCH_VAR}
FLEET = SharedCount(AgentRecord.objects.count, lambda count: count)


class FleetChangeList(ChangeList):
    """`result_count` is how many agents have pages; `count_in_words` says how many there are."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        # What the address says, in its order and with what is there twice.
        self.pairs = [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name in TITLES or name == ORDER
        ]
        self.in_force: list[InForce] = in_force(self.pairs)
        super().__init__(request, *args, **kwargs)

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        # Django's own filters take whatever comes; the database, or its driver, does not.
        for given in self.filter_params.keys() - HOW_IT_IS_SHOWN:
            values = self.filter_params[given]
            if isinstance(values, list) and any("\0" in value for value in values):
                kept = [value.replace("\0", "") for value in values]
                self.filter_params = {**self.filter_params, given: kept}
                self.root_queryset = self.root_queryset.none()
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        # Each column once: databases take only so many.
        if ORDER in self.params:
            columns = self.params[ORDER].split(".")
            self.params[ORDER] = ".".join(columns[: len(self.list_display)])
        return super().get_ordering(request, queryset)

    def get_results(self, request: HttpRequest) -> None:  # noqa: ARG002
        paginator = CappedPaginator(self.queryset, self.list_per_page)
        # The first page says by itself whether there are others.
        first = list(self.queryset[: self.list_per_page + 1]) if self.page_num <= 1 else []
        if self.page_num <= 1 and len(first) <= self.list_per_page:
            paginator.know(len(first))
        self.paginator = paginator
        self.result_count = paginator.count
        self.multi_page = self.result_count > self.list_per_page
        self.can_show_all = self.result_count <= self.list_max_show_all
        # A page that is not there any more is the last one.
        self.page_num = min(max(self.page_num, 1), paginator.num_pages)
        if self.show_all and self.can_show_all and self.multi_page:
            rows = list(self.queryset)
        elif first:
            rows = first[: self.list_per_page]
        else:
            rows = list(paginator.page(self.page_num).object_list)
        kept = [pair for pair in self.pairs if pair[1]]
        for agent in rows:
            agent.narrowed_to = kept
        self.result_list = cast("Any", rows)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True

    @property
    def is_more(self) -> bool:
        return bool(self.paginator.is_more)

    @cached_property
    def count_in_words(self) -> str:
        """How many agents match; of a large fleet no more than that they are many."""
        if self.is_more and not self.in_force:
            return f"{max(FLEET.get(), CappedPaginator.MOST):,} agents"
        if self.is_more:
            return f"more than {CappedPaginator.MOST:,} agents"
        return "1 agent" if self.result_count == 1 else f"{self.result_count:,} agents"

    @property
    def kept_in_forms(self) -> list[tuple[str, str]]:
        """What a form that narrows further sends along: all but what it asks for itself."""
        return [pair for pair in self.pairs if pair[0] not in {"tag", "skill", "version", "host"}]


class Matching(FleetChangeList):
    """What matches the address of a list, without a page of it."""

    def get_results(self, request: HttpRequest) -> None:
        """No page is wanted."""
