"""Cells of the list. live.js and others find a row by its ``data-agent``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils.safestring import SafeString

from agents.admin.agents.listing.filter_links import FilterLinks
from agents.admin.widgets.cells import agent_url
from agents.admin.widgets.quick_html import format_html, join_html
from agents.admin.widgets.times import in_both
from agents.conditions import Condition, condition_of, lease_of
from agents.durations import ago, in_words
from agents.models import AgentRecord
from agents.querysets import read_at
from agents.states import Lease

LISTED_NAMES = 12
Cell = Callable[[AgentRecord], SafeString]


@dataclass(frozen=True)
class Column:
    """`name`: its class is `field-NAME`. `sort`: a key of sorting.KEYS."""

    name: str
    title: str
    cell: Cell
    sort: str = ""


def state(agent: AgentRecord) -> SafeString:
    condition = _condition(agent)
    return format_html(
        '<span class="fleet-dot level-{}" title="{}">{}</span>',
        condition.level,
        condition.reason,
        condition.word,
    )


def _condition(agent: AgentRecord) -> Condition:
    known: Condition | None = vars(agent).get("listed_condition")
    if known is None:
        known = vars(agent)["listed_condition"] = condition_of(agent, read_at(agent))
    return known


def gone(history_url: str | None) -> SafeString:
    word = format_html('<a href="{}">gone</a>', history_url) if history_url else "gone"
    return format_html(
        '<span class="fleet-dot" title="Its record was deleted just now.">{}</span>', word
    )


def agent(agent: AgentRecord) -> SafeString:
    name = "" if agent.agent_name == agent.agent_id else agent.agent_name
    aside = format_html(' <span class="fleet-quiet">{}</span>', name) if name else ""
    return format_html(
        '<a class="fleet-id" href="{}" title="{}">{}</a>{}',
        agent_url(agent.agent_id),
        f"{agent.agent_id} {name}".rstrip(),
        agent.agent_id,
        aside,
    )


def host(agent: AgentRecord) -> SafeString:
    return _links(agent).to("host", agent.host, title=f"{agent.host}:{agent.port}")


def version(agent: AgentRecord) -> SafeString:
    return _links(agent).to("version", agent.version)


def skills(agent: AgentRecord) -> SafeString:
    names = [("skill", name) for name in agent.skills] + [("tag", name) for name in agent.tags]
    links = _links(agent)
    return join_html(
        links.to(parameter, name, css=f"agent-chip fleet-{parameter}")
        for parameter, name in names[:LISTED_NAMES]
    )


def _links(agent: AgentRecord) -> FilterLinks:
    links: FilterLinks = agent.filter_links  # type: ignore[attr-defined]
    return links


def load(agent: AgentRecord) -> SafeString:
    if agent.load is None:
        return SafeString()
    return format_html(
        '<span class="fleet-load"><progress max="1" value="{}" aria-hidden="true"></progress>'
        "{}</span>",
        agent.load,
        f"{agent.load:.0%}",
    )


def time_left(agent: AgentRecord) -> SafeString:
    """fleet.js counts down."""
    now = read_at(agent)
    left = (agent.expires_at - now).total_seconds()
    heard = ago((now - agent.last_heartbeat).total_seconds())
    return format_html(
        '<span class="fleet-lease level-{}" data-left="{}" data-ttl="{}" title="{}">{}</span>',
        lease_of(agent, now).level,
        f"{left:.3f}",
        agent.ttl_seconds,
        f"Last heartbeat {heard}, at {in_both(agent.last_heartbeat)}",
        in_words(left) if left > 0 else f"ended {ago(-left, units=1)}",
    )


def note(agent: AgentRecord) -> SafeString:
    """What the agent reports; else why it is not alive and well."""
    text = agent.note or _short_reason(agent, _condition(agent))
    return format_html('<span title="{}">{}</span>', text, text) if text else SafeString()


def _short_reason(agent: AgentRecord, condition: Condition) -> str:
    lease = lease_of(agent, read_at(agent))
    if condition.word != lease.words:
        return condition.reason
    return {
        Lease.EXPIRED: f"no heartbeat within its TTL of {in_words(agent.ttl_seconds)}",
        Lease.EXPIRING_SOON: "two heartbeats missed",
    }.get(lease, "")


COLUMNS = [
    Column("state", "Condition", state, "condition"),
    Column("agent", "Agent", agent, "id"),
    Column("host", "Host", host, "host"),
    Column("version", "Version", version, "version"),
    Column("skills", "Skills and tags", skills),
    Column("load", "Load", load, "load"),
    Column("time_left", "Time left", time_left, "left"),
    Column("note", "Note", note, "report"),
]
LIVE_COLUMNS = [one for one in COLUMNS if one.cell in (state, load, time_left, note)]


def rows(agents: Sequence[AgentRecord], *, with_boxes: bool) -> SafeString:
    # A template for each row would take longer than the rest of the page.
    return join_html(_row(agent, with_boxes=with_boxes) for agent in agents)


def _row(agent: AgentRecord, *, with_boxes: bool) -> SafeString:
    cells = join_html(
        format_html('<td class="field-{}">{}</td>', column.name, column.cell(agent))
        for column in COLUMNS
    )
    box = _box(agent) if with_boxes else ""
    return format_html('<tr data-agent="{}">{}{}</tr>\n', agent.agent_id, box, cells)


def _box(agent: AgentRecord) -> SafeString:
    return format_html(
        '<td class="action-checkbox"><input type="checkbox" name="{}" value="{}"'
        ' class="action-select" aria-label="Select {} for an action"></td>',
        ACTION_CHECKBOX_NAME,
        agent.pk,
        agent.pk,
    )
