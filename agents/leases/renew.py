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
    changes=", ".join(
        [f"last_heartbeat = {dialect.now()}"]
        + [f"{name} = COALESCE(given.{name}, held.{name})" for name in REPORT]
    ),
    # Drivers read an integer faster than a time.
    returning=f"agent_id, generation, {dialect.microseconds('last_heartbeat')}, ttl_seconds, state",
    lock_order="agent_id",
    # A frozen database must not renew leases of agents that died meanwhile.
    max_delay=2.0,
)
MAX_ATTEMPTS = 10

Lease = tuple[str, int | None]


class Renewal(NamedTuple):
    """None leaves a field as it is."""

    agent_id: str
    generation: int | None = None
    seen_address: str | None = None
    status: str | None = None
    load: float | None = None
    note: str | None = None

    def updated_by(self, later: "Renewal") -> "Renewal":
        report = {name: getattr(later, name) for name in REPORT}
        return self._replace(**{name: value for name, value in report.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Renewed(LeaseTimes):
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
    """Renew a lease, even an expired one. Raise a Miss."""
    renewal = Renewal(agent_id, generation, address, status, load, note)
    [outcome] = renew_many([renewal], waits=True)
    if isinstance(outcome, Miss):
        raise outcome
    return outcome


def renew_many(renewals: Sequence[Renewal], *, waits: bool) -> list[Renewed | Miss]:
    """Return the outcomes in order. An agent may occur twice.

    With `waits`, wait for locked records, by id to avoid deadlocks; otherwise give LeaseLocked.
    """
    outcomes = _renew(renewals, waits=waits)
    for _ in range(MAX_ATTEMPTS if waits else 0):
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
    """An UPDATE changes a record only once, and a renewal without generation matches any."""
    left = renewals
    while left:
        if len({one.agent_id for one in left}) == len(left):
            yield sorted(left, key=attrgetter("agent_id"))
            return
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
    same: dict[tuple[int, int, str], Renewed] = {}
    found: dict[str, tuple[int, Renewed]] = {}
    for agent_id, generation, at, ttl_seconds, state in dialect.update_rows(
        RENEWAL, batch, waits=waits
    ):
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
