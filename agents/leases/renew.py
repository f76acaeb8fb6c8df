"""Heartbeats: each renews a lease, which then ends a TTL from now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from agents.database.clock import from_microseconds
from agents.database.dialect import dialect
from agents.database.statements import RowUpdate
from agents.database.tables import table
from agents.lease_times import LeaseTimes
from agents.leases.errors import Claim, LeaseLocked, Miss, explain_misses
from agents.metrics import counters
from agents.models import AgentRecord

# The fields of a Renewal, with their types on PostgreSQL: first those that name the lease.
LEASE = {"agent_id": "text", "generation": "int8"}
REPORT = {"seen_address": "inet", "status": "text", "load": "float8", "note": "text"}
RENEWAL = RowUpdate(
    table=table(AgentRecord),
    keys=LEASE,
    values=REPORT,
    match=(
        "held.agent_id = given.agent_id"
        " AND (given.generation IS NULL OR held.generation = given.generation)"
    ),
    # What an agent does not report stays as it is.
    changes=", ".join(
        [f"last_heartbeat = {dialect.now()}"]
        + [f"{name} = COALESCE(given.{name}, held.{name})" for name in REPORT]
    ),
    # A driver would parse the time for each row, though all have the same.
    returning=f"agent_id, generation, {dialect.microseconds('last_heartbeat')}, ttl_seconds, state",
    lock_order="agent_id",
    # The database starts it at once unless it is frozen or cut off. Agents give up on a heartbeat
    # within seconds, and a dead one's lease must not be renewed.
    max_delay=2.0,
)
# Attempts to renew a record that others keep changing.
MAX_ATTEMPTS = 10

Lease = tuple[str, int | None]  # agent_id and generation, as a heartbeat gives them


class Renewal(NamedTuple):
    """A heartbeat. Fields of the report that are None leave the record as it is.

    `generation` is None if the agent has shown no lease token. `seen_address` is where the
    heartbeat came from.
    """

    agent_id: str
    generation: int | None = None
    seen_address: str | None = None
    status: str | None = None
    load: float | None = None
    note: str | None = None

    def updated_by(self, later: "Renewal") -> "Renewal":
        """Return both as one; where both report a field, `later` wins."""
        report = {name: getattr(later, name) for name in REPORT}
        return self._replace(**{name: value for name, value in report.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Renewed(LeaseTimes):
    """A renewed lease, as its agent gets to know it."""

    last_heartbeat: datetime
    ttl_seconds: int
    state: str


def renew(
    *,
    agent_id: str,
    generation: int | None = None,
    status: str | None = None,
    load: float | None = None,
    note: str | None = None,
    address: str | None = None,
) -> Renewed:
    """Renew a lease: it ends a TTL from now. Raise a Miss: UnknownAgent, StaleLease, LeaseLocked.

    An expired lease can be renewed until its record is purged. If the record is locked, wait.
    """
    renewal = Renewal(agent_id, generation, address, status, load, note)
    [outcome] = renew_many([renewal], waits=True)
    if isinstance(outcome, Miss):
        raise outcome
    return outcome


def renew_many(renewals: Sequence[Renewal], *, waits: bool) -> list[Renewed | Miss]:
    """Renew many leases in few statements; return the outcome of each, in order.

    An agent may occur twice. With `waits`, wait for locked records, and so let all others wait
    too; without, their outcome is LeaseLocked. Records are locked in the order of their ids, so
    that two such calls never wait for each other.
    """
    outcomes = _renew(renewals, waits=waits)
    for _ in range(MAX_ATTEMPTS if waits else 0):
        # The record was changed while the statement waited for it, and so was skipped.
        locked = [place for place, one in enumerate(outcomes) if isinstance(one, LeaseLocked)]
        if not locked:
            break
        again = _renew([renewals[place] for place in locked], waits=waits)
        for place, outcome in zip(locked, again, strict=True):
            outcomes[place] = outcome
    counters.HEARTBEATS.inc(sum(isinstance(outcome, Renewed) for outcome in outcomes))
    return outcomes


def _renew(renewals: Sequence[Renewal], *, waits: bool) -> list[Renewed | Miss]:
    outcomes: dict[Lease, Renewed | Miss] = {}
    for batch in _batches(renewals):
        renewed = _update(batch, waits=waits)
        outcomes.update(renewed)
        if len(renewed) < len(batch):
            claims = [
                Claim(one.agent_id, one.generation, one.seen_address)
                for one in batch
                if (one.agent_id, one.generation) not in renewed
            ]
            outcomes.update(explain_misses(claims))
    return [outcomes[one.agent_id, one.generation] for one in renewals]


def _batches(renewals: Sequence[Renewal]) -> Iterator[list[Renewal]]:
    """Yield one batch, or two: an UPDATE must not change a record twice.

    Renewals of the same lease are merged. Renewals of one agent with different generations can
    share a batch, since the record has only one. But one without a generation matches any record,
    so it must not share a batch with one that has a generation.
    """
    left = renewals
    while left:
        batch: dict[Lease, Renewal] = {}
        has_generation: dict[str, bool] = {}
        next_batch = []
        for one in left:
            has = one.generation is not None
            if has_generation.setdefault(one.agent_id, has) != has:
                next_batch.append(one)
                continue
            lease = one.agent_id, one.generation
            first = batch.setdefault(lease, one)
            if first is not one:
                batch[lease] = first.updated_by(one)
        yield sorted(batch.values(), key=attrgetter("agent_id"))
        left = next_batch


def _update(batch: Sequence[Renewal], *, waits: bool) -> dict[Lease, Renewed]:
    """Renew by one statement; return the leases that were renewed."""
    same: dict[tuple[int, int, str], Renewed] = {}
    found: dict[str, tuple[int, Renewed]] = {}
    for agent_id, generation, at, ttl_seconds, state in dialect.update_rows(
        RENEWAL, batch, waits=waits
    ):
        # Most rows have the same values: they share an object.
        values = at, ttl_seconds, state
        if values not in same:
            same[values] = Renewed(from_microseconds(at), ttl_seconds, state)
        found[agent_id] = generation, same[values]
    return {
        (one.agent_id, one.generation): held[1]
        for one in batch
        if (held := found.get(one.agent_id))
        and (one.generation is None or one.generation == held[0])
    }
