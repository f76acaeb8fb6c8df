from collections.abc import Sequence
from dataclasses import dataclass

from agents.history.record import record_stale_leases
from agents.models import AgentRecord


class Miss(Exception):
    pass


class UnknownAgent(Miss):
    pass


class StaleLease(Miss):
    """A later registration holds the id."""


class LeaseLocked(Miss):
    pass


@dataclass(frozen=True, slots=True)
class Claim:
    agent_id: str
    generation: int | None
    address: str | None


def explain_misses(claims: Sequence[Claim]) -> dict[tuple[str, int | None], Miss]:
    """Return errors by id and generation, and record stale leases."""
    ids = [claim.agent_id for claim in claims]
    holders = dict(AgentRecord.objects.filter(pk__in=ids).values_list("pk", "generation"))
    misses: dict[tuple[str, int | None], Miss] = {}
    stale = []
    for claim in claims:
        lease = claim.agent_id, claim.generation
        held = holders.get(claim.agent_id)
        if held is None or (claim.generation is not None and held < claim.generation):
            # The registry was restored from a backup.
            misses[lease] = UnknownAgent(claim.agent_id)
        elif claim.generation is None or held == claim.generation:
            misses[lease] = LeaseLocked(claim.agent_id)
        else:
            misses[lease] = StaleLease(claim.agent_id)
            stale.append((claim.agent_id, claim.generation, held, claim.address))
    if stale:
        record_stale_leases(stale)
    return misses
