from dataclasses import dataclass

from agents.actors import SWEEP
from agents.database.clock import expired_sql
from agents.history.record import Kind
from agents.leases.fleet.last_count import LARGE, count_for_all
from agents.leases.purge.delete import purge_batches
from agents.leases.purge.mass_expiry import assess, purgeable_sql
from agents.leases.purge.registry_uptime import restart_uptime
from agents.leases.purge.sweep_mark import record_sweep

DEFAULT_BATCH_SIZE = 1000


@dataclass(frozen=True)
class Purge:
    purged: int
    held: int = 0
    event: Kind | None = None
    reason: str = ""


def purge_expired(
    *, batch_size: int = DEFAULT_BATCH_SIZE, actor: str = SWEEP, force: bool = False
) -> Purge:
    """Delete expired agents. Unless forced, keep those that an outage or the network cut off.

    `batch_size`: rows per transaction, so that heartbeats do not wait long.
    """
    count = count_for_all()
    fleet = assess(count)
    if fleet.is_recovering and not force:
        # They come back one by one: give each a TTL from now.
        restart_uptime()
        count = count_for_all()
        fleet = assess(count)
    on_hold = fleet.must_hold and not force
    condition = expired_sql() if force else purgeable_sql(on_hold=on_hold)
    purged = 0
    looks = 1
    if force or fleet.purgeable:
        purged = sum(purge_batches(condition, actor, batch_size))
        looks = 2
    held = fleet.expired if on_hold else 0
    reason = fleet.explain(purged=purged, force=force)
    event = record_sweep(
        purged=purged,
        held=held,
        seconds=looks * count.seconds if count.registered >= LARGE else 0.0,
        actor=actor,
        reason=reason,
        forced=force,
    )
    return Purge(purged, held, event, reason)
