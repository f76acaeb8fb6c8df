from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from agents.addresses import before_port
from agents.admin.agents.addresses import base_url
from agents.admin.widgets.cells import NOTHING
from agents.admin.widgets.times import moment
from agents.conditions import Condition, condition_of, condition_rank, lease_of
from agents.database.clock import ExpiresAt
from agents.durations import ago, in_words
from agents.models import AgentRecord
from agents.querysets import read_at
from agents.states import Lease

LISTED_TAGS = 4
LISTED_NOTE_LENGTH = 80


@admin.display(description="state", ordering=condition_rank().desc())
def state(agent: AgentRecord) -> SafeString:
    """fleet.js finds the row by ``data-agent``."""
    condition = condition_of(agent, read_at(agent))
    return format_html(
        '<div class="fleet-state" data-agent="{}"><span class="agent-label level-{}">{}</span>'
        '<span class="agent-aside" title="{}">{}</span></div>',
        agent.agent_id,
        condition.level,
        condition.word,
        condition.reason,
        _short_reason(agent, condition),
    )


def _short_reason(agent: AgentRecord, condition: Condition) -> str:
    lease = lease_of(agent, read_at(agent))
    if condition.word != lease.words:
        return condition.reason
    return {
        Lease.EXPIRED: f"no heartbeat within its TTL of {in_words(agent.ttl_seconds)}",
        Lease.EXPIRING_SOON: "two heartbeats missed",
    }.get(lease, "")


def gone(agent_id: str, history_url: str | None) -> SafeString:
    note = "its record was deleted just now"
    if history_url:
        note = format_html('{}; <a href="{}">history</a>', note, history_url)
    return format_html(
        '<div class="fleet-state" data-agent="{}"><span class="agent-label">gone</span>'
        '<span class="agent-aside">{}</span></div>',
        agent_id,
        note,
    )


@admin.display(description="agent", ordering="agent_id")
def agent(agent: AgentRecord) -> SafeString:
    shown = format_html('<span class="fleet-id">{}</span>', agent.agent_id)
    if agent.agent_name in {"", agent.agent_id}:
        return shown
    name = '{}<span class="agent-aside" title="{}">{}</span>'
    return format_html(name, shown, agent.agent_name, agent.agent_name)


@admin.display(ordering="host")
def address(agent: AgentRecord) -> SafeString:
    labels = ((label,) for label in before_port(agent.host).split("."))
    host = format_html_join(format_html("{}<wbr>", "."), "{}", labels)
    url = base_url(agent)
    if not url:
        return format_html('<span class="fleet-host">{}:{}</span>', host, agent.port)
    return format_html(
        '<a href="{}/" target="_blank" rel="noopener noreferrer">{}:{}</a>', url, host, agent.port
    )


@admin.display(ordering="version")
def version(agent: AgentRecord) -> SafeString:
    return _filter_link(agent, "version", agent.version) if agent.version else _nothing()


@admin.display(description="tags")
def tags(agent: AgentRecord) -> SafeString:
    shown = [_filter_link(agent, "tag", tag) for tag in agent.tags[:LISTED_TAGS]]
    html = format_html_join(" ", "{}", ((chip,) for chip in shown))
    more = len(agent.tags) - len(shown)
    if more > 0:
        return format_html('{} <span class="fleet-more">+{}</span>', html, more)
    return html or _nothing()


def _filter_link(agent: AgentRecord, parameter: str, value: str) -> SafeString:
    query = getattr(agent, "list_query", [])
    pairs = [pair for pair in query if parameter == "tag" or pair[0] != parameter]
    if (parameter, value) not in pairs:
        pairs = [*pairs, (parameter, value)]
    return format_html(
        '<a class="agent-chip" href="?{}" title="{}">{}</a>',
        urlencode(pairs),
        f"Only agents with this {parameter}",
        value,
    )


@admin.display(ordering=ExpiresAt())
def time_left(agent: AgentRecord) -> SafeString:
    left = (agent.expires_at - read_at(agent)).total_seconds()
    level = lease_of(agent, read_at(agent)).level
    words = in_words(left) if left > 0 else f"ended {ago(-left, units=1)}"
    return format_html(
        '<div class="fleet-lease level-{}" data-left="{}" data-ttl="{}">'
        '<span class="fleet-left">{}</span>'
        '<progress class="fleet-bar" max="{}" value="{}" aria-hidden="true"></progress></div>',
        level,
        f"{left:.3f}",
        agent.ttl_seconds,
        words,
        agent.ttl_seconds,
        f"{max(left, 0):.3f}",
    )


@admin.display(ordering="last_heartbeat")
def last_heartbeat(agent: AgentRecord) -> SafeString:
    return moment(agent.last_heartbeat, read_at(agent))


@admin.display(ordering="status")
def report(agent: AgentRecord) -> SafeString:
    summary = agent.status if agent.load is None else f"{agent.status}, load {agent.load:.0%}"
    if not agent.note:
        return format_html("{}", summary)
    note = Truncator(agent.note).chars(LISTED_NOTE_LENGTH)
    return format_html(
        '{}<span class="agent-aside" title="{}">{}</span>', summary, agent.note, note
    )


def _nothing() -> SafeString:
    return format_html("{}", NOTHING)


COLUMNS: list[Any] = [state, agent, address, version, tags, time_left, last_heartbeat, report]
LIVE_COLUMNS = {
    "state": state,
    "time_left": time_left,
    "last_heartbeat": last_heartbeat,
    "report": report,
}
