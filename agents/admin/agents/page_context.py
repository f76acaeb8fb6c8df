from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from agents.admin.agents import metadata
from agents.admin.agents.addresses import base_url
from agents.admin.agents.card import known_card
from agents.admin.agents.history import draw
from agents.conditions import condition_of
from agents.durations import ago, in_words
from agents.history import feed
from agents.history.died_together import died_together
from agents.history.of_agent import History
from agents.leases.purge.registry_uptime import report_uptime
from agents.models import AccessToken, AgentEvent, AgentRecord
from agents.querysets import read_at

NEWEST_EVENTS = 20
MOST_TOGETHER = 50
WEEK = timedelta(days=7)
REGISTRATIONS = {AgentEvent.Kind.REGISTERED, AgentEvent.Kind.RE_REGISTERED}
VIEW_TOKENS = "agents.view_accesstoken"


@dataclass(frozen=True)
class LeaseMeter:
    """In seconds. `left` is negative after the end."""

    left: float
    ttl: int

    @property
    def value(self) -> str:
        return f"{min(max(self.left, 0), self.ttl):.1f}"

    @property
    def third(self) -> str:
        return f"{self.ttl / 3:.3f}"

    @property
    def in_words(self) -> str:
        return f"{in_words(self.left)} left" if self.left > 0 else f"ended {ago(-self.left)}"


def current_facts(
    agent: AgentRecord, history: History | None, operator_event: AgentEvent | None
) -> dict[str, Any]:
    now = read_at(agent)
    return {
        "agent": agent,
        "now": now,
        "condition": condition_of(agent, now, operator_event),
        "lease": LeaseMeter((agent.expires_at - now).total_seconds(), agent.ttl_seconds),
        "events": history.events[:NEWEST_EVENTS] if history else None,
    }


def registration_facts(request: HttpRequest, agent: AgentRecord) -> dict[str, Any]:
    return {
        "card": known_card(agent),
        "base_url": base_url(agent),
        "addresses_differ": addresses_differ(agent),
        "token": _token(request, agent),
        "metadata_rows": list(metadata.rows(agent.metadata)),
        "metadata_json": metadata.as_json(agent.metadata),
    }


def last_record(agent_id: str) -> dict[str, Any]:
    """Return what is remembered of an agent that is gone."""
    end = feed.last_end(agent_id)
    if end is None or end.record is None:  # from an older version, or deleted
        return {}
    record = end.record
    begin, last = (
        datetime.fromisoformat(record[name]) for name in ("registered_at", "last_heartbeat")
    )
    together = died_together(end, MOST_TOGETHER + 1)
    back = AgentRecord.objects.filter(pk__in=[other.agent_id for other in together])
    return {
        "last": record,
        "has_died": end.kind == AgentEvent.Kind.PURGED,
        "registered_at": begin,
        "last_heartbeat": last,
        "lived": in_words((last - begin).total_seconds()),
        "metadata_rows": list(metadata.rows(record.get("metadata") or {})),
        "metadata_json": metadata.as_json(record.get("metadata") or {}),
        "together": [other.agent_id for other in together[:MOST_TOGETHER]],
        "more_together": len(together) > MOST_TOGETHER,
        "back": set(back.values_list("pk", flat=True)),
    }


def timeline(agent: AgentRecord | None, history: History | None) -> dict[str, Any]:
    if history is None:
        return {}
    now = read_at(agent or history.events[0])
    up_since = None
    if uptime := report_uptime():
        up_since = uptime.up_since if uptime.is_at_work else now
    return {
        "timeline": draw(history, agent, now, up_since),
        "registrations": registrations(history, now),
        "retention_days": settings.EVENT_RETENTION_DAYS,
    }


def registrations(history: History, now: datetime) -> dict[str, int] | None:
    """Count those of two weeks, unless the agent has too many events to know."""
    a_week_ago, two_weeks_ago = now - WEEK, now - 2 * WEEK
    if history.is_cut and history.events[-1].at > two_weeks_ago:
        return None
    times = [event.at for event in history.events if event.kind in REGISTRATIONS]
    return {
        "this_week": sum(at > a_week_ago for at in times),
        "week_before": sum(two_weeks_ago < at <= a_week_ago for at in times),
    }


def addresses_differ(agent: AgentRecord) -> bool:
    """False for host names."""
    try:
        advertised = ip_address(agent.host)
    except ValueError:
        return False
    return bool(agent.seen_address) and ip_address(str(agent.seen_address)) != advertised


def _token(request: HttpRequest, agent: AgentRecord) -> AccessToken | None:
    if not agent.enrolled_by or not request.user.has_perm(VIEW_TOKENS):
        return None
    return AccessToken.objects.filter(key=agent.enrolled_by).first()
