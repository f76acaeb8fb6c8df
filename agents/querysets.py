"""Questions to the records: who is alive, who is expired, who can do what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db.models import (
    Case,
    Count,
    Expression,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThan, LessThanOrEqual

from agents.database.clock import DatabaseNow, ExpiresAt, LeaseWanes, Moment, Silence
from agents.database.expressions import ListContains
from agents.lease_times import HEARTBEATS_PER_TTL
from agents.states import Lease, State

if TYPE_CHECKING:
    from agents.models import AccessToken, AgentRecord  # noqa: F401


# More than there are agents, and few enough for sums of it to be exact.
MANY = 2**26


@dataclass(frozen=True)
class FleetCount:
    """How many agents have a record, and how many of them are alive."""

    registered: int
    active: int


@dataclass(frozen=True)
class FleetTally:
    """How many agents there are, by lease and by operator state other than the default.

    Those expiring soon count as alive too.
    """

    total: int
    leases: Mapping[Lease, int]
    states: Mapping[State, int]


class AgentQuerySet(QuerySet["AgentRecord"]):
    """`now` is the database's own time unless it is given."""

    def alive(self, now: datetime | None = None) -> Self:
        """Keep the agents whose lease lasts: now < expires_at."""
        return self.filter(GreaterThan(ExpiresAt(), _moment(now)))

    def expired(self, now: datetime | None = None) -> Self:
        """Keep the agents whose lease has ended: now >= expires_at."""
        return self.filter(LessThanOrEqual(ExpiresAt(), _moment(now)))

    def expiring_soon(self, now: datetime | None = None) -> Self:
        """Keep the agents that are alive, with less than a third of their TTL left."""
        return self.alive(now).filter(LeaseWanes(_moment(now)))

    def count_fleet(self) -> FleetCount:
        alive = Count("agent_id", filter=Q(GreaterThan(ExpiresAt(), DatabaseNow())))
        row = self.aggregate(registered=Count("agent_id"), active=alive)
        return FleetCount(**row)

    def tally(self) -> FleetTally:
        """Count all kinds, in one pass over the records, and at one look at each of its leases."""
        silence, ttl = Silence("last_heartbeat"), F("ttl_seconds")
        # Nearly all have been heard lately, and are done after one comparison.
        kind = Case(
            When(
                LessThanOrEqual(silence * HEARTBEATS_PER_TTL, ttl * (HEARTBEATS_PER_TTL - 1)),
                then=0.0,
            ),
            When(LessThan(silence, ttl), then=1.0),
            default=float(MANY),
            output_field=FloatField(),
        )
        states = [state for state in State if not state.is_default]
        row = self.aggregate(
            kinds=Coalesce(Sum(kind), 0.0),
            total=Count("agent_id"),
            **{state.name: Count("agent_id", filter=Q(state=state)) for state in states},
        )
        expired, expiring_soon = divmod(int(row["kinds"]), MANY)
        leases = {
            Lease.ALIVE: row["total"] - expired,
            Lease.EXPIRING_SOON: expiring_soon,
            Lease.EXPIRED: expired,
        }
        return FleetTally(row["total"], leases, {state: row[state.name] for state in states})

    def with_read_at(self) -> Self:
        """Give each agent `read_at`, the database's time, to judge its lease by."""
        return self.annotate(read_at=DatabaseNow())

    def with_tags(self, tags: Sequence[str]) -> Self:
        """Keep the agents that have all of `tags`."""
        return self._listing("tags", tags)

    def with_skills(self, skills: Sequence[str]) -> Self:
        """Keep the agents that have all of `skills`."""
        return self._listing("skills", skills)

    def search(self, text: str) -> Self:
        """Keep the agents in whose id, name or host `text` occurs, in whatever case."""
        return self.filter(
            Q(agent_id__icontains=text) | Q(agent_name__icontains=text) | Q(host__icontains=text)
        )

    def _listing(self, field: str, names: Sequence[str]) -> Self:
        queryset = self
        for name in names:
            queryset = queryset.filter(ListContains(F(field), Value(name)))
        return queryset


class AccessTokenQuerySet(QuerySet["AccessToken"]):
    def with_agents(self) -> Self:
        """Give each token `alive_agents`, and `read_at`, the database's time."""
        agents: Any = apps.get_model("agents", "AgentRecord").objects
        of_the_token = agents.filter(enrolled_by=OuterRef("key")).alive().order_by()
        count = of_the_token.values("enrolled_by").annotate(count=Count("pk")).values("count")
        alive = Coalesce(Subquery(count), 0)
        return self.annotate(alive_agents=alive, read_at=DatabaseNow())


def _moment(now: datetime | None) -> Expression:
    return DatabaseNow() if now is None else Moment(now)
