import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin.widgets import cells
from agents.admin.widgets.cells import counted
from agents.admin.widgets.mixins import ReadOnly, TitledList
from agents.admin.widgets.paging import CappedPaginator
from agents.admin.widgets.times import moment
from agents.database.clock import DatabaseNow
from agents.models import Delivery
from agents.querysets import read_at


@admin.display(description="when", ordering="pk")
def when(delivery: Delivery) -> SafeString:
    return cells.when(delivery.created_at, read_at(delivery))


@admin.display(description="message")
def message(delivery: Delivery) -> SafeString:
    if not delivery.agent_id:
        return format_html("{}", delivery.type)
    return format_html('{}<span class="agent-aside">{}</span>', delivery.type, delivery.agent_id)


@admin.display(description="agent")
def agent(delivery: Delivery) -> SafeString:
    if not delivery.agent_id:
        return format_html("{}", cells.NOTHING)
    url = cells.history_url(delivery.agent_id)
    return format_html('<a href="{}">{}</a>', url, delivery.agent_id)


@admin.display(description="channel", ordering="channel")
def channel(delivery: Delivery) -> SafeString:
    url = reverse("admin:agents_channel_change", args=[delivery.channel_id])
    return format_html('<a href="{}">{}</a>', url, delivery.channel.name)


@admin.display(description="rule", ordering="rule_name")
def rule(delivery: Delivery) -> str:
    return delivery.rule_name or cells.NOTHING


@admin.display()
def state(delivery: Delivery) -> SafeString:
    state = Delivery.State(delivery.state)
    return format_html('<span class="agent-label level-{}">{}</span>', state.level, state.words)


@admin.display(description="last attempt")
def attempted(delivery: Delivery) -> SafeString:
    if delivery.attempted_at is None:
        return format_html("{}", "none yet")
    return moment(delivery.attempted_at, read_at(delivery))


@admin.display(description="body")
def body(delivery: Delivery) -> SafeString:
    text = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
    return format_html('<pre class="agent-json">{}</pre>', text)


PAGE_FIELDS: list[Any] = [
    "message_id",
    "type",
    agent,
    channel,
    rule,
    state,
    when,
    "attempts",
    attempted,
    "answer",
    body,
]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, TitledList, ModelAdmin[Delivery]):
    fields = PAGE_FIELDS
    readonly_fields = PAGE_FIELDS
    actions = ["resend"]
    list_display = [when, message, channel, rule, state, "attempts", "answer"]
    list_filter = ["state", "channel", "type"]
    list_select_related = ["channel"]
    search_fields = ["=agent_id", "=message_id"]
    search_help_text = "Id of an agent or a message"
    ordering = ["-pk"]
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["agents/admin.css", "agents/notifications.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return Delivery.objects.annotate(read_at=DatabaseNow()).select_related("channel")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_delivery"))

    @admin.action(permissions=["resend"], description="Send the selected messages again")
    def resend(self, request: HttpRequest, selected: QuerySet[Delivery]) -> None:
        """With the same ids, by which receivers recognise them."""
        finished = Delivery.objects.filter(pk__in=selected.values("pk")).exclude(
            state=Delivery.State.WAITING
        )
        count = finished.update(
            state=Delivery.State.WAITING, attempts=0, next_attempt_at=None, first_failed_at=None
        )
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, f"{counted(count, 'message')} will be sent again.", level)
