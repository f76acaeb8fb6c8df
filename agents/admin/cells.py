"""What the pages show of an agent, as HTML. Times are told by the database's clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from agents.clock import ExpiresAt
from agents.durations import ago, exactly, in_words
from agents.models import AccessToken, AgentRecord

NOTHING = "-"
# What a row of the list has room for; the agent's own page shows it all.
LISTED_TAGS = 4
LISTED_NOTE_LENGTH = 80


def read_at(record: Any) -> datetime:
    """Return the database's time when it gave `record`: an annotation, which mypy knows not."""
    moment: datetime = record.read_at
    return moment


# --- Columns of the list --------------------------------------------------------------------


@admin.display(description="agent", ordering="agent_id")
def id_and_name(agent: AgentRecord) -> SafeString:
    if agent.agent_name in {"", agent.agent_id}:
        return format_html("{}", agent.agent_id)
    return format_html('{}<span class="agent-aside">{}</span>', agent.agent_id, agent.agent_name)


@admin.display(ordering="state")
def lease(agent: AgentRecord) -> SafeString:
    """Return alive or expired, and the operator's word where there is one."""
    words = ["alive" if agent.is_alive(read_at(agent)) else "expired"]
    if agent.state != AgentRecord.State.ACTIVE:
        words.append(agent.state)
    labels = ((word, word) for word in words)
    return format_html_join(" ", '<span class="agent-label agent-{}">{}</span>', labels)


@admin.display(ordering=ExpiresAt())
def time_left(agent: AgentRecord) -> str:
    left = (agent.expires_at - read_at(agent)).total_seconds()
    return in_words(left) if left > 0 else f"ended {ago(-left)}"


@admin.display(ordering="last_heartbeat")
def last_heartbeat(agent: AgentRecord) -> SafeString:
    return moment(agent.last_heartbeat, read_at(agent))


@admin.display(ordering="host")
def address(agent: AgentRecord) -> SafeString:
    """Return the host and its port; a long name is broken at its dots."""
    if ":" in agent.host:
        return format_html("[{}]:{}", agent.host, agent.port)
    labels = ((label,) for label in agent.host.split("."))
    host = format_html_join(format_html("{}<wbr>", "."), "{}", labels)
    return format_html("{}:{}", host, agent.port)


@admin.display(description="by its own word", ordering="status")
def report(agent: AgentRecord) -> SafeString:
    said = agent.status if agent.load is None else f"{agent.status}, load {agent.load:.0%}"
    if not agent.note:
        return format_html("{}", said)
    note = Truncator(agent.note).chars(LISTED_NOTE_LENGTH)
    return format_html('{}<span class="agent-aside" title="{}">{}</span>', said, agent.note, note)


@admin.display(description="tags")
def some_tags(agent: AgentRecord) -> SafeString:
    return chips(agent.tags, LISTED_TAGS)


# --- Parts ----------------------------------------------------------------------------------


def moment(at: datetime, now: datetime) -> SafeString:
    """Return "12 s ago", with the exact time for who points at it.

    Below an element with `data-now`, a page that loads ages.js lets it grow older.
    """
    said = (at.isoformat(), exactly(at), ago((now - at).total_seconds()))
    return format_html('<time datetime="{}" title="{}" data-age>{}</time>', *said)


def chips(names: Sequence[str], most: int | None = None) -> SafeString:
    """Return `names` as chips: all of them, or `most` and how many there are beside these."""
    shown = names[:most]
    html = format_html_join(" ", '<span class="agent-chip">{}</span>', ((name,) for name in shown))
    if len(shown) < len(names):
        return format_html("{} +{}", html, len(names) - len(shown))
    return html or format_html("{}", NOTHING)


def agent_url(agent_id: str) -> str:
    return reverse("admin:agents_agentrecord_change", args=[quote(agent_id)])


def fleet_url(token: AccessToken) -> str:
    """Return the address of the list of what a token has registered."""
    return reverse("admin:agents_agentrecord_changelist", query={"enrolled_by__exact": token.key})


def history_url(agent_id: str) -> str:
    """Return the address of an agent's events; they outlive the agent."""
    return reverse("admin:agents_agentevent_changelist", query={"agent_id__exact": agent_id})


def agents(count: int) -> str:
    return f"{count} agent" if count == 1 else f"{count:,} agents"
