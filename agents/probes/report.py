from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Min

from agents.database.clock import DatabaseNow
from agents.models import AgentProbe, ProbeMark
from agents.querysets import read_at


@dataclass(frozen=True)
class Report:
    """`verdicts`: numbers of living agents. `seconds_late`: how long an agent has been due."""

    total: int
    verdicts: Mapping[str, int]
    is_doubted: bool
    seconds_late: float


def report_probes() -> Report | None:
    """Return None before the first look at the fleet."""
    mark = ProbeMark.objects.annotate(read_at=DatabaseNow()).first()
    if mark is None:
        return None
    due_at = AgentProbe.objects.aggregate(first=Min("due_at"))["first"]
    late = 0.0 if due_at is None else (read_at(mark) - due_at).total_seconds()
    return Report(mark.total, mark.verdicts, mark.is_doubted, max(late, 0.0))
