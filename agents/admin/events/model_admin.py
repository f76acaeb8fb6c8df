from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin.events.export import MOST_EXPORTED, as_csv
from agents.admin.events.filters import TEXT_FILTERS, DateFilter
from agents.admin.widgets import cells
from agents.admin.widgets.mixins import ReadOnly
from agents.admin.widgets.pages import admin_page
from agents.admin.widgets.paging import CappedPaginator
from agents.database.base import TakesTooLong
from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.history.feed import newest_first
from agents.models import AgentEvent
from agents.querysets import read_at

MAX_SECONDS = 4.0


@admin.display(ordering="at")
def when(event: AgentEvent) -> SafeString:
    return cells.when(event.at, read_at(event))


@admin.display(description="agent")
def agent(event: AgentEvent) -> SafeString:
    if not event.agent_id:
        return format_html("{}", cells.NOTHING)
    url = cells.history_url(event.agent_id)
    return format_html('<a href="{}">{}</a>', url, event.agent_id)


@admin.display()
def kind(event: AgentEvent) -> str:
    return event.kind


@admin.register(AgentEvent)
class EventAdmin(ReadOnly, admin.ModelAdmin[AgentEvent]):
    list_display = [when, agent, kind, "reason", "actor", "address", "generation"]
    list_display_links = None
    list_filter = [*TEXT_FILTERS, "kind", ("at", DateFilter)]
    linked_lookups = frozenset({"agent_id__exact"})
    paginator = CappedPaginator
    # Both would count all events again.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["agents/admin.css", "agents/history.css"]}

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export)
        return [
            path("export/csv/", export, name="agents_agentevent_export_csv"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentEvent]:
        return newest_first().annotate(read_at=DatabaseNow())

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        return [when]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        agent_id = request.GET.get("agent_id__exact")
        context: dict[str, Any] = {
            "title": f"History of {agent_id}" if agent_id else "History",
            "agent_url": cells.agent_url(agent_id) if agent_id else None,
            "export_query": request.GET.urlencode(),
            "most_exported": MOST_EXPORTED,
            **_form(request),
        }
        try:
            with dialect.time_limit(MAX_SECONDS):
                return super().changelist_view(request, context | (extra_context or {}))
        except TakesTooLong:
            return self._too_long(request, context)

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            with dialect.time_limit(MAX_SECONDS):
                matching = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{reverse('admin:agents_agentevent_changelist')}?e=1")
        except TakesTooLong:
            return self._too_long(request, _form(request))
        response = StreamingHttpResponse(as_csv(matching), content_type="text/csv; charset=utf-8")
        name = f"history-{timezone.now().date()}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _too_long(self, request: HttpRequest, extra: dict[str, Any]) -> HttpResponse:
        context = extra | {"title": "The search took too long", "seconds": MAX_SECONDS}
        return admin_page(self, request, "too_long.html", status=503, **context)


def _form(request: HttpRequest) -> dict[str, Any]:
    fields = [
        {
            "name": text_filter.name,
            "title": text_filter.title,
            "type": text_filter.input_type,
            "example": text_filter.example,
            "value": request.GET.get(text_filter.name, ""),
        }
        for text_filter in TEXT_FILTERS
    ]
    left_out = {text_filter.name for text_filter in TEXT_FILTERS} | {"p", "e"}
    hidden = [pair for pair in request.GET.items() if pair[0] not in left_out]
    return {"fields": fields, "hidden_parameters": hidden}
