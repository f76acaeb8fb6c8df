"""Heartbeats: a lease lasts for its TTL from now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from agents.database.clock import from_microseconds
from agents.database.dialect import dialect
from agents.database.statements import RowUpdate
from agents.database.tables import table
from agents.lease_times import LeaseTimes
from agents.leases.errors import Claim, LeaseLocked, Miss, explain_misses
from agents.metrics import counters
from agents.models import AgentRecord

# The fields of a Renewal, with their types on PostgreSQL: those that name the lease, and the rest.
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
# So often a record is looked for that others keep changing meanwhile.
MOST_TRIES = 10


class Renewal(NamedTuple):
    """A heartbeat. None for what the agent says of itself leaves that as it is.

    `generation` None: the agent has shown no lease token, and is taken at its word. `seen_address`
    is where the heartbeat came from.
    """

    agent_id: str
    generation: int | None = None
    seen_address: str | None = None
    status: str | None = None
    load: float | None = None
    note: str | None = None

    def and_then(self, later: "Renewal") -> "Renewal":
        """Return what both say together, where `later` has the last word."""
        said = {name: getattr(later, name) for name in REPORT}
        return self._replace(**{name: word for name, word in said.items() if word is not None})


@dataclass(frozen=True, slots=True)
class Renewed(LeaseTimes):
    """What an agent is told whose lease was renewed."""

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
    """Renew a lease, until its TTL from now. Raise a Miss: UnknownAgent, StaleLease, LeaseLocked.

    An expired lease is renewed as well, as long as its record has not been purged. A record that
    somebody has locked is waited for.
    """
    renewal = Renewal(agent_id, generation, address, status, load, note)
    [outcome] = renew_many([renewal], waits=True)
    if isinstance(outcome, Miss):
        raise outcome
    return outcome


def renew_many(renewals: Sequence[Renewal], *, waits: bool) -> list[Renewed | Miss]:
    """Do the same for many, in few statements; return what became of each, in their order.

    Agents may come twice. With `waits`, records that somebody has locked are waited for, and so do
    all; without, LeaseLocked says so of them at once. Two such calls never wait for each other,
    since records are locked in the order of their ids.
    """
    outcomes = _renew(renewals, waits=waits)
    for _ in range(MOST_TRIES if waits else 0):
        # Changed while it was waited for, and so to be looked for anew.
        locked = [place for place, one in enumerate(outcomes) if isinstance(one, LeaseLocked)]
        if not locked:
            break
        again = _renew([renewals[place] for place in locked], waits=waits)
        for place, outcome in zip(locked, again, strict=True):
            outcomes[place] = outcome
    counters.HEARTBEATS.inc(sum(isinstance(outcome, Renewed) for outcome in outcomes))
    return outcomes


def _renew(renewals: Sequence[Renewal], *, waits: bool) -> list[Renewed | Miss]:
    outcomes: dict[tuple[str, int | None], Renewed | Miss] = {}
    for batch in _without_doubles(renewals):
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


def _without_doubles(renewals: Sequence[Renewal]) -> Iterator[list[Renewal]]:
    """Give at most two batches that renew no record twice, since one UPDATE changes it once.

    What comes twice by one lease is put together. Of several leases of one agent only one can be
    the record's, so all of them go together; what comes without a lease token is good for every
    record, and takes its turn if another came with one, or the other way round.
    """
    left = renewals
    while left:
        batch: dict[tuple[str, int | None], Renewal] = {}
        with_token: dict[str, bool] = {}
        again = []
        for one in left:
            has_token = one.generation is not None
            if with_token.setdefault(one.agent_id, has_token) != has_token:
                again.append(one)
                continue
            lease = one.agent_id, one.generation
            first = batch.setdefault(lease, one)
            if first is not one:
                batch[lease] = first.and_then(one)
        yield sorted(batch.values(), key=lambda one: one.agent_id)
        left = again


def _update(
    batch: Sequence[Renewal], *, waits: bool
) -> dict[tuple[str, int | None], Renewed | Miss]:
    """Renew the leases that are as `batch` says, by one statement.

    Return them by their agents' ids and the generations that `batch` has.
    """
    rows = dialect.update_rows(RENEWAL, batch, waits=waits)
    same: dict[Any, Renewed] = {}
    found = {}
    for agent_id, generation, *told in rows:
        key = at, ttl_seconds, state = tuple(told)
        if key not in same:
            same[key] = Renewed(from_microseconds(at), ttl_seconds, state)
        found[agent_id] = generation, same[key]
    return _by_lease(batch, found)


def _by_lease(
    batch: Sequence[Renewal], found: Mapping[str, tuple[int, Renewed]]
) -> dict[tuple[str, int | None], Renewed | Miss]:
    """Tell which of the leases of `batch` are those of the records `found`."""
    renewed: dict[tuple[str, int | None], Renewed | Miss] = {}
    for one in batch:
        held = found.get(one.agent_id)
        if held is not None and (one.generation is None or one.generation == held[0]):
            renewed[one.agent_id, one.generation] = held[1]
    return renewed
