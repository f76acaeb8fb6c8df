"""Finds agents that are due, within a budget that all workers share."""

from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, ExpressionWrapper, F, FloatField, OuterRef, QuerySet
from django.db.models.functions import Random

from agents.database.clock import DatabaseNow, NowPlus
from agents.models import AgentProbe, AgentRecord, ProbeMark
from agents.probes.result import Target
from agents.querysets import read_at

SPREAD = 0.1
BATCH_SIZE = 250


class Claim(NamedTuple):
    """`is_all`: no others are due."""

    targets: list[Target]
    is_all: bool


def claim(most: int) -> Claim:
    """Take agents that are due. If a worker dies with them, each misses one probe."""
    with transaction.atomic():
        left = _lock_budget()
        allowed = min(most, int(left))
        due = AgentProbe.objects.filter(due_at__lte=DatabaseNow()).order_by("due_at")
        locked = due.select_for_update(skip_locked=True)
        found = dict(locked.values_list("agent_id", "generation")[:allowed])
        agents = AgentRecord.objects.filter(pk__in=found)
        known = set(agents.values_list("pk", flat=True))
        alive = agents.alive().values_list("agent_id", "generation", "host", "port")
        targets = [target for row in alive if (target := Target(*row)).generation == found[row[0]]]
        AgentProbe.objects.filter(pk__in=known).update(due_at=_next_due())
        _delete_without_agent(set(found) - known)
        ProbeMark.objects.update(
            at=DatabaseNow(), left=left - len(targets), total=F("total") + len(targets)
        )
    return Claim(targets, is_all=len(found) < allowed)


def _lock_budget() -> float:
    """Return how many probes the budget allows now. It saves up at most one second's."""
    mark = ProbeMark.objects.select_for_update().annotate(read_at=DatabaseNow()).get()
    seconds = min(max((read_at(mark) - mark.at).total_seconds(), 0), 1)
    budget = settings.PROBE_BUDGET_PER_SECOND
    return float(min(mark.left + seconds * budget, budget))


def _next_due() -> NowPlus:
    """After a varying interval, so that agents that are due together drift apart."""
    seconds = settings.PROBE_INTERVAL_SECONDS * (1 - SPREAD + 2 * SPREAD * Random())
    return NowPlus(ExpressionWrapper(seconds, output_field=FloatField()))


def delete_unused_probes() -> int:
    """Return how many probes of agents that are gone were deleted."""
    unused = _without_agent().values_list("agent_id", flat=True)
    deleted = 0
    while batch := set(unused[:BATCH_SIZE]):
        deleted += _delete_without_agent(batch)
    return deleted


def _delete_without_agent(ids: set[str]) -> int:
    # Again, since an agent may have registered.
    deleted, _ = _without_agent().filter(pk__in=ids).delete()
    return deleted


def _without_agent() -> QuerySet[AgentProbe]:
    agent = AgentRecord.objects.filter(pk=OuterRef("agent_id"))
    return AgentProbe.objects.filter(~Exists(agent))
