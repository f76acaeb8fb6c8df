"""Fills an empty database with a demonstration, and keeps its agents alive."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents import leases
from agents.actors import COMMAND
from agents.database.clock import database_now
from agents.demo.past import DAYS, make_agents
from agents.history import feed
from agents.history.past import write_past
from agents.history.timeline import BEGINS, ENDS
from agents.leases.demo import write_registered_before
from agents.models import ActivityMark, ActivityMinute, AgentEvent, AgentRecord, SavedView
from agents.states import Status
from agents.tokens import access as access_tokens

MINUTE = timedelta(minutes=1)
HEARTBEATS_A_MINUTE = 3
COLUMNS = {
    AgentEvent.Kind.REGISTERED: "registrations",
    AgentEvent.Kind.RE_REGISTERED: "registrations",
    AgentEvent.Kind.DEREGISTERED: "deregistrations",
    AgentEvent.Kind.EXPIRED: "expiries",
}
VIEWS = {
    "GPU agents": "tag=gpu",
    "Billing": "meta.team=billing",
    "Support, Europe": "tag=eu&tag=chat",
}
# name, prefix of ids, may register, may read
TOKENS = (
    ("weather team", "weather-", True, False),
    ("support team", "support-", True, False),
    ("orchestrator", "", False, True),
)


class NotEmpty(Exception):
    pass


@dataclass(frozen=True)
class Seeded:
    agents: int
    events: int


def seed(number: int) -> Seeded:
    """Create a fleet with a past of 30 days. The same number creates the same fleet.

    Raise NotEmpty if there are agents or a history.
    """
    if AgentRecord.objects.exists() or feed.newest_position():
        raise NotEmpty
    now = database_now()
    agents = make_agents(now, number)
    events = [event for agent in agents for event in agent.events]
    alive = [agent for agent in agents if agent.silent_for is not None]
    with transaction.atomic():
        generations = write_past(events)
        write_registered_before(
            [
                agent.columns
                | {
                    "agent_id": agent.agent_id,
                    "generation": generations[agent.agent_id],
                    "registered_at": agent.registered_at,
                    "silent_for": agent.silent_for,
                }
                for agent in alive
            ]
        )
        ActivityMinute.objects.bulk_create(
            _minutes(events, now, random.Random(number)),  # noqa: S311
            batch_size=2000,
        )
        ActivityMark.objects.create(settled=feed.newest_position(), counted_at=now)
        _add_what_people_made()
    return Seeded(len(alive), len(events))


def renew_all(draw: random.Random) -> int:
    """Send a heartbeat for each living agent, with a new load. Return how many."""
    renewals = [
        leases.Renewal(
            agent.agent_id,
            agent.generation,
            status=Status.READY if agent.status == Status.STARTING else agent.status,
            load=_drift(agent.load, draw),
        )
        for agent in AgentRecord.objects.alive().order_by("pk")
    ]
    return sum(isinstance(one, leases.Renewed) for one in leases.renew_many(renewals, waits=True))


def _drift(load: float | None, draw: random.Random) -> float | None:
    return None if load is None else round(min(max(load + draw.gauss(0, 0.05), 0.0), 1.0), 2)


def _minutes(
    events: Sequence[dict[str, Any]], now: datetime, draw: random.Random
) -> Iterator[ActivityMinute]:
    by_minute: dict[datetime, list[dict[str, Any]]] = {}
    for event in sorted(events, key=itemgetter("at")):
        by_minute.setdefault(event["at"].replace(second=0, microsecond=0), []).append(event)
    this_minute = now.replace(second=0, microsecond=0)
    alive: set[str] = set()
    known: set[str] = set()
    for ago in range(DAYS * 24 * 60, 0, -1):
        minute = this_minute - ago * MINUTE
        counts: Counter[str] = Counter()
        for event in by_minute.get(minute, ()):
            agent_id, kind = event["agent_id"], event["kind"]
            if column := COLUMNS.get(kind):
                counts[column] += 1
                counts["restarts"] += column == "registrations" and agent_id in known
            known.add(agent_id)
            if kind in BEGINS:
                alive.add(agent_id)
            elif kind in ENDS:
                alive.discard(agent_id)
        yield ActivityMinute(
            minute=minute,
            heartbeats=round(HEARTBEATS_A_MINUTE * len(alive) * draw.uniform(0.98, 1.02)),
            alive=len(alive),
            **counts,
        )


def _add_what_people_made() -> None:
    for name, prefix, may_register, may_read in TOKENS:
        access_tokens.issue(
            name=name,
            actor=COMMAND,
            may_register=may_register,
            may_read=may_read,
            agent_prefix=prefix,
        )
    SavedView.objects.bulk_create(
        SavedView(name=name, query=query, created_by="grace", created_at=timezone.now())
        for name, query in VIEWS.items()
    )
