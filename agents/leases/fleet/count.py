import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from agents.database.clock import expired_sql
from agents.database.dialect import dialect
from agents.database.tables import table
from agents.lease_times import HEARTBEATS_PER_TTL
from agents.leases.fleet.troubled import Troubled
from agents.leases.purge.silence import Share, Silence, silence_sql, total
from agents.models import MAX_TTL_SECONDS, AgentRecord
from agents.states import Lease, State

LEASES = list(Lease)
ALL = ""
ALLOWED, MISSED = HEARTBEATS_PER_TTL, HEARTBEATS_PER_TTL - 1


class Group(NamedTuple):
    """`heartbeats`: owed per day."""

    kind: int  # lease's index * len(Silence) + silence
    state: str
    agents: int
    heartbeats: int

    @property
    def lease(self) -> Lease:
        return LEASES[self.kind // len(Silence)]

    @property
    def silence(self) -> Silence:
        return Silence(self.kind % len(Silence))


@dataclass(frozen=True)
class Count:
    """`at`, `age`: of an earlier count. `seconds`: how long it took.

    `troubled`: the worst agents, None if nobody has looked for them.
    """

    groups: Sequence[Group]
    seconds: float
    at: datetime | None = None
    age: float = 0.0
    troubled: Sequence[Troubled] | None = None

    @property
    def registered(self) -> int:
        return sum(group.agents for group in self.groups)

    @property
    def active(self) -> int:
        return self.registered - self.leases[Lease.EXPIRED]

    @property
    def leases(self) -> Mapping[Lease, int]:
        """Alive includes expiring soon."""
        agents = {
            lease: sum(group.agents for group in self.groups if group.lease is lease)
            for lease in Lease
        }
        agents[Lease.ALIVE] += agents[Lease.EXPIRING_SOON]
        return agents

    @property
    def states(self) -> Mapping[State, int]:
        return {
            state: sum(group.agents for group in self.groups if group.state == state)
            for state in State
            if not state.is_default
        }

    def in_state(self, state: str, *, expired: bool) -> int:
        return sum(
            group.agents
            for group in self.groups
            if group.state == state and (group.lease is Lease.EXPIRED) is expired
        )

    def share(self, *silences: Silence) -> Share:
        return total(
            Share(group.agents, group.heartbeats)
            for group in self.groups
            if group.silence in silences
        )


def count_fleet() -> Count:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_count_sql(), [])
        groups = [Group(*row) for row in cursor.fetchall()]
    return Count(_with_default_state(groups), time.monotonic() - began)


def _count_sql() -> str:
    # The state is far behind in a row, so reading all would cost a third more. An index finds the
    # few that are not ACTIVE.
    kind, agents = _kind_sql(), table(AgentRecord)
    return (
        f"SELECT {kind} AS kind, '{ALL}' AS state, COUNT(*), SUM({MAX_TTL_SECONDS} / ttl_seconds)"  # noqa: S608
        f" FROM {agents} GROUP BY 1 UNION ALL"
        f" SELECT {kind} AS kind, state, COUNT(*), SUM({MAX_TTL_SECONDS} / ttl_seconds)"
        f" FROM {agents} WHERE NOT (state = '{State.ACTIVE}') GROUP BY 1, 2"
    )


def _with_default_state(found: Sequence[Group]) -> list[Group]:
    """Subtract the other states from ALL."""
    others = [group for group in found if group.state != ALL]
    groups = list(others)
    for group in set(found) - set(others):
        same = [other for other in others if other.kind == group.kind]
        agents = group.agents - sum(other.agents for other in same)
        heartbeats = group.heartbeats - sum(other.heartbeats for other in same)
        if agents:
            groups.append(Group(group.kind, State.ACTIVE, agents, heartbeats))
    return sorted(groups)


def _kind_sql() -> str:
    expired, soon = (
        LEASES.index(lease) * len(Silence) for lease in (Lease.EXPIRED, Lease.EXPIRING_SOON)
    )
    heard_lately = f"NOT {expired_sql('last_heartbeat', f'(ttl_seconds * {MISSED} / {ALLOWED})')}"
    wanes = f"{dialect.seconds_since('last_heartbeat')} * {ALLOWED} > ttl_seconds * {MISSED}"
    return (
        f"CASE WHEN {heard_lately} THEN {Silence.HEARD} ELSE"
        f" CASE WHEN {expired_sql()} THEN {expired} WHEN {wanes} THEN {soon} ELSE 0 END"
        f" + {silence_sql()} END"
    )
