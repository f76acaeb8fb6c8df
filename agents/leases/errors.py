"""What it means that a renewal or a deletion found no row of its lease."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.history.record import record_stale_leases
from agents.models import AgentRecord


class Miss(Exception):
    """A lease was not found as the caller says it is."""


class UnknownAgent(Miss):
    """There is no such agent, or not any more: it has to register (again)."""


class StaleLease(Miss):
    """The lease is of an older generation: another registration holds the id."""


class LeaseLocked(Miss):
    """The lease is the caller's, but somebody was changing the record: it has to try again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease that somebody says to hold; `generation` None: it has shown no lease token."""

    agent_id: str
    generation: int | None
    address: str | None


def explain_misses(claims: Sequence[Claim]) -> dict[tuple[str, int | None], Miss]:
    """Return by its id and generation what each of `claims` met that found no row."""
    ids = [claim.agent_id for claim in claims]
    holders = dict(AgentRecord.objects.filter(pk__in=ids).values_list("pk", "generation"))
    misses: dict[tuple[str, int | None], Miss] = {}
    stale = []
    for claim in claims:
        lease = claim.agent_id, claim.generation
        held = holders.get(claim.agent_id)
        if held is None or (claim.generation is not None and held < claim.generation):
            # A newer lease than the record's: the registry was set back, and has to be told again.
            misses[lease] = UnknownAgent(claim.agent_id)
        elif claim.generation is None or held == claim.generation:
            misses[lease] = LeaseLocked(claim.agent_id)
        else:
            misses[lease] = StaleLease(claim.agent_id)
            stale.append((claim.agent_id, claim.generation, held, claim.address))
    if stale:
        record_stale_leases(stale)
    return misses
