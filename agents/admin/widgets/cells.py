"""Parts of pages that show agents: labels, ages, and where links lead."""

from datetime import datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agents.durations import ago, exactly
from agents.models import AccessToken, AgentRecord
from agents.states import Lease, State

NOTHING = "-"


def read_at(record: Any) -> datetime:
    """Return the database's time when it gave `record`: an annotation, which mypy knows not."""
    moment: datetime = record.read_at
    return moment


def lease(agent: AgentRecord) -> SafeString:
    """Return labels for the lease and, unless it is the default, the operator's state."""
    lease = Lease.ALIVE if agent.is_alive(read_at(agent)) else Lease.EXPIRED
    labels = [(lease.level, lease.words)]
    if agent.state != State.ACTIVE:
        labels.append((State.level_of(agent.state), agent.state))
    return format_html_join(" ", '<span class="agent-label level-{}">{}</span>', labels)


def moment(at: datetime, now: datetime) -> SafeString:
    """Return "12 s ago", with the exact time for who points at it.

    Below an element with `data-now`, a page that loads ages.js lets it grow older.
    """
    said = (at.isoformat(), exactly(at), ago((now - at).total_seconds()))
    return format_html('<time datetime="{}" title="{}" data-age>{}</time>', *said)


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
