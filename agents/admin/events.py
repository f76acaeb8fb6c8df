"""The history: what happened to agents, also to those that are no more."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin import cells
from agents.admin.filters import DateFilter
from agents.admin.read_only import ReadOnly
from agents.clock import DatabaseNow
from agents.durations import exactly
from agents.models import AgentEvent


@admin.display(ordering="at")
def when(event: AgentEvent) -> SafeString:
    ago = cells.moment(event.at, cells.read_at(event))
    return format_html('{}<span class="agent-aside">{}</span>', exactly(event.at), ago)


@admin.display(description="agent")
def agent(event: AgentEvent) -> SafeString:
    if not event.agent_id:  # it happened to the registry as a whole
        return format_html("{}", cells.NOTHING)
    url = cells.history_url(event.agent_id)
    return format_html('<a href="{}">{}</a>', url, event.agent_id)


@admin.display()
def kind(event: AgentEvent) -> str:
    return event.kind


@admin.register(AgentEvent)
class EventAdmin(ReadOnly, admin.ModelAdmin[AgentEvent]):
    """Events say all they have to say in the list; they are made by `agents.leases` alone."""

    list_display = [when, agent, kind, "reason", "actor", "address", "generation"]
    list_display_links = None
    list_filter = ["kind", ("at", DateFilter)]
    linked_lookups = frozenset({"agent_id__exact"})
    search_fields = ["agent_id"]
    search_help_text = "Text in the agent's id"
    # In the order in which they were written down, which is the order of the index as well.
    ordering = ["-pk"]
    # It would be one more count of all the events, for "12 of 34".
    show_full_result_count = False

    class Media:
        css = {"all": ["agents/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentEvent]:  # noqa: ARG002
        return AgentEvent.objects.annotate(read_at=DatabaseNow())

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:  # noqa: ARG002
        return [when]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        agent_id = request.GET.get("agent_id__exact")
        shown = {
            "title": f"History of {agent_id}" if agent_id else "Events",
            "agent_url": cells.agent_url(agent_id) if agent_id else None,
        }
        return super().changelist_view(request, shown | (extra_context or {}))
