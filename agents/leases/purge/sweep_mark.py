import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from agents.database.clock import DatabaseNow
from agents.history.record import Kind, record_event
from agents.leases.fleet.budget import SWEEPS_SHARE, pause_after
from agents.leases.purge.hold import current_hold
from agents.models import SweepMark

MISSED_SWEEPS = 4
_started = time.monotonic()


@dataclass(frozen=True)
class SweepReport:
    """`read_at`: the database's time, None without a last purge."""

    last_purge: datetime | None
    overdue: bool
    age: float | None = None  # seconds
    purged: int = 0
    held: int = 0
    purged_in_total: int = 0
    is_due: bool = True
    read_at: datetime | None = None


def report_sweeps() -> SweepReport:
    """No sweep is `overdue` while this process is new."""
    mark = SweepMark.objects.annotate(read_at=DatabaseNow()).first()
    pause = 0.0 if mark is None else pause_after(mark.seconds, SWEEPS_SHARE)
    patience = MISSED_SWEEPS * max(settings.SWEEP_INTERVAL_SECONDS, pause)
    waited = time.monotonic() - _started
    if mark is None:
        return SweepReport(last_purge=None, overdue=waited > patience)
    age = (mark.read_at - mark.at).total_seconds()
    return SweepReport(
        last_purge=mark.at,
        overdue=min(waited, age) > patience,
        age=age,
        purged=mark.purged,
        held=mark.held,
        purged_in_total=mark.purged_in_total,
        # Negative if the database's clock was set back.
        is_due=not 0 <= age < pause,
        read_at=mark.read_at,
    )


def record_sweep(
    *,
    purged: int,
    held: int,
    seconds: float = 0.0,
    actor: str,
    reason: str,
    forced: bool = False,
) -> Kind | None:
    """Return an event if a hold began or ended, or if it was `forced`.

    `seconds`: spent looking through the fleet.
    """
    with transaction.atomic():
        first = SweepMark(id=1, at=DatabaseNow(), purged=0)
        SweepMark.objects.bulk_create([first], ignore_conflicts=True)
        mark = SweepMark.objects.select_for_update().get()
        event: Kind | None
        if forced:
            event = Kind.PURGE_FORCED
        elif held:
            event = None if current_hold() else Kind.PURGE_HELD
        else:
            event = Kind.PURGE_RESUMED if mark.held else None
        total = F("purged_in_total") + purged
        SweepMark.objects.update(
            at=DatabaseNow(),
            purged=purged,
            held=held,
            purged_in_total=total,
            seconds=seconds,
        )
        if event is not None:
            record_event(event, actor=actor, reason=reason)
    return event
