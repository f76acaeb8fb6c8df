"""Whether the expired are being purged, told by the mark that each sweep leaves."""

import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from agents.clock import DatabaseNow
from agents.models import SweepMark

# So many sweeps may be missed before somebody is told.
MISSED_SWEEPS = 4
_started = time.monotonic()


@dataclass(frozen=True)
class SweepReport:
    """`last_purge`: when the last sweep ended, None when there was none yet."""

    last_purge: datetime | None
    overdue: bool


def report_sweeps() -> SweepReport:
    """Return when the last sweep was, and whether the next is overdue.

    A registry that has just been started, after whatever pause, gets the time to sweep first.
    """
    mark = SweepMark.objects.annotate(read_at=DatabaseNow()).first()
    patience = MISSED_SWEEPS * settings.SWEEP_INTERVAL_SECONDS
    waited = time.monotonic() - _started
    if mark is not None:
        waited = min(waited, (mark.read_at - mark.at).total_seconds())
    return SweepReport(last_purge=None if mark is None else mark.at, overdue=waited > patience)
