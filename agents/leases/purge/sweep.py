"""Sweeps: the records of agents whose lease has ended are deleted."""

from dataclasses import dataclass

from django.db import connection

from agents.actors import SWEEP
from agents.database.clock import ended_sql
from agents.leases.purge.batches import purge_batches
from agents.leases.purge.mass_expiry import judge, purgeable_sql
from agents.leases.purge.registry_uptime import begin_uptime
from agents.leases.purge.sweep_mark import leave_mark
from agents.models import AgentEvent

DEFAULT_BATCH_SIZE = 1000


@dataclass(frozen=True)
class Purge:
    """What a sweep did: how many it purged, and how many it left, since too many expired at once.

    `turn` and `reason` tell of a hold that it began or ended, or that it was forced.
    """

    purged: int
    held: int = 0
    turn: AgentEvent.Kind | None = None
    reason: str = ""


def purge_expired(
    *, batch_size: int = DEFAULT_BATCH_SIZE, actor: str = SWEEP, force: bool = False
) -> Purge:
    """Delete the agents whose lease has ended, unless they are probably not to blame.

    Heartbeats missed while the registry was down do not count (`registry_uptime`). When too many
    agents expire at once, the purge is held for a while (`mass_expiry`). `force` ignores both.

    A transaction deletes at most `batch_size` rows, so that heartbeats get their turn in between.
    Rows that a heartbeat has locked are left alone: it is about to renew them.
    """
    judgement = judge()
    if judgement.is_recovering and not force:
        # Not all come back at once: each gets a whole TTL from now on.
        begin_uptime()
        judgement = judge()
    holds = judgement.holds and not force
    condition = ended_sql(connection) if force else purgeable_sql(holds=holds)
    purged = 0
    if force or judgement.purgeable:
        purged = sum(purge_batches(condition, actor, batch_size))
    held = judgement.expired if holds else 0
    reason = judgement.explain(purged=purged, force=force)
    turn = leave_mark(purged=purged, held=held, actor=actor, reason=reason, forced=force)
    return Purge(purged, held, turn, reason)
