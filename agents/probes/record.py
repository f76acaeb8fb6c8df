from collections.abc import Sequence
from dataclasses import asdict, fields

from django.conf import settings
from django.db import transaction

from agents.database.clock import DatabaseNow
from agents.history.record import ProbeFlip, record_probe_flips
from agents.models import MAX_REASON_LENGTH, AgentProbe, AgentRecord
from agents.probes.damping import Findings, Thresholds, judge
from agents.probes.result import Result, Target
from agents.querysets import read_at

NAMES = [field.name for field in fields(Findings)]


def record(results: Sequence[tuple[Target, Result]]) -> int:
    """Record results; return how many agents failed or recovered.

    Drops results of agents that have registered again.
    """
    found = {(target.agent_id, target.generation): result for target, result in results}
    if not found:
        return 0
    thresholds = Thresholds(settings.PROBE_FAILURES, settings.PROBE_SUCCESSES)
    with transaction.atomic():
        probes = [
            probe
            for probe in _locked([agent_id for agent_id, _ in found])
            if (probe.agent_id, probe.generation) in found
        ]
        flips = [
            flip
            for probe in probes
            if (flip := _judge(probe, found[probe.agent_id, probe.generation], thresholds))
        ]
        # Every row is there. bulk_update would take most of the time of a probe.
        AgentProbe.objects.bulk_create(
            probes,
            update_conflicts=True,
            unique_fields=["agent_id"],
            update_fields=[*NAMES, "probed_at"],
        )
        current = _current(flips)
        record_probe_flips(current)
    return len(current)


def _current(flips: Sequence[ProbeFlip]) -> list[ProbeFlip]:
    """Leave out agents that are gone, or have registered again."""
    ids = [flip.agent_id for flip in flips]
    held = dict(AgentRecord.objects.filter(pk__in=ids).values_list("agent_id", "generation"))
    return [flip for flip in flips if held.get(flip.agent_id) == flip.generation]


def _locked(ids: Sequence[str]) -> Sequence[AgentProbe]:
    # By id, as in all that locks many records.
    rows = AgentProbe.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return list(rows.annotate(read_at=DatabaseNow()))


def _judge(probe: AgentProbe, result: Result, thresholds: Thresholds) -> ProbeFlip | None:
    now = read_at(probe)
    before = Findings(**{name: getattr(probe, name) for name in NAMES})
    after = judge(before, result, now, thresholds)
    for name, value in asdict(after).items():
        setattr(probe, name, value)
    probe.reason = after.reason[:MAX_REASON_LENGTH]
    probe.probed_at = now
    if before.has_failed == after.has_failed:
        return None
    return ProbeFlip(probe.agent_id, probe.generation, after.has_failed, probe.reason)
