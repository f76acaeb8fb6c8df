"""Looks through the fleet from time to time: which agents have no probe yet, and how many fail."""

import logging
import random
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef

from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.models import AgentProbe, AgentRecord, ProbeMark
from agents.querysets import read_at
from agents.states import Probe

logger = logging.getLogger(__name__)

# On SQLite, other writers wait for a transaction.
BATCH_SIZE = 250
MOST_ENROLLED = 20_000  # at once
SHARE = 0.01  # of a processor
LONGEST_PAUSE_SECONDS = 60.0
# If at least this many agents fail, and more than half of the fleet, the network is to blame.
FEWEST_DOUBTED = 10


def survey() -> int:
    """Schedule the first probe of new registrations, spread over the interval; return how many.

    Does nothing shortly after the last time.
    """
    if not _is_time():
        return 0
    began = time.monotonic()
    current = AgentProbe.objects.filter(agent_id=OuterRef("pk"), generation=OuterRef("generation"))
    with dialect.in_one_process():
        missing = AgentRecord.objects.alive().filter(~Exists(current)).order_by()
        found = list(missing.values_list("agent_id", "generation")[:MOST_ENROLLED])
        verdicts = count_verdicts()
    seconds = time.monotonic() - began
    ProbeMark.objects.update(verdicts=verdicts, look_seconds=seconds)
    _doubt(verdicts)
    for place in range(0, len(found), BATCH_SIZE):
        AgentProbe.objects.bulk_create(
            [_first(*row) for row in sorted(found[place : place + BATCH_SIZE])],
            update_conflicts=True,
            unique_fields=["agent_id"],
            update_fields=[field.name for field in AgentProbe._meta.fields[1:]],
        )
    return len(found)


def count_verdicts() -> dict[str, int]:
    """Return numbers of living agents by verdict."""
    alive = AgentRecord.objects.alive().filter(
        pk=OuterRef("agent_id"), generation=OuterRef("generation")
    )
    rows = AgentProbe.objects.filter(Exists(alive)).order_by().values_list("verdict")
    return dict.fromkeys(Probe.values, 0) | dict(rows.annotate(Count("pk")))


def _doubt(verdicts: dict[str, int]) -> None:
    failing = sum(verdicts[one] for one in Probe if not one.takes_work)
    is_doubted = failing >= FEWEST_DOUBTED and 2 * failing > sum(verdicts.values())
    if ProbeMark.objects.filter(is_doubted=not is_doubted).update(is_doubted=is_doubted):
        text = "are not believed: most of the fleet fails" if is_doubted else "are believed again"
        logger.warning("%s of %s agents fail; probes %s", failing, sum(verdicts.values()), text)


def _first(agent_id: str, generation: int) -> AgentProbe:
    wait: Any = timedelta(seconds=random.uniform(0, settings.PROBE_INTERVAL_SECONDS))  # noqa: S311
    return AgentProbe(agent_id=agent_id, generation=generation, due_at=DatabaseNow() + wait)


def _is_time() -> bool:
    mark = ProbeMark.objects.annotate(read_at=DatabaseNow()).first()
    if mark is None:
        row = ProbeMark(at=DatabaseNow(), left=0, looked_at=DatabaseNow())
        return bool(ProbeMark.objects.bulk_create([row], ignore_conflicts=True))
    age = (read_at(mark) - mark.looked_at).total_seconds()
    # Negative if the database's clock was set back.
    if 0 <= age < min(mark.look_seconds / SHARE, LONGEST_PAUSE_SECONDS):
        return False
    same = ProbeMark.objects.filter(looked_at=mark.looked_at)
    return bool(same.update(looked_at=DatabaseNow()))
