"""Damps the results of probes.

Only several failures in a row make an agent fail, and several successes bring it back. The more
often it has failed within an hour, the more successes it takes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agents.probes.result import Outcome, Result
from agents.states import Probe

FLAPPING_FALLS = 3
# Falls are forgotten if none follows for this long.
MEMORY = timedelta(hours=1)
MOST_SUCCESSES_FACTOR = 16
FAILED = {Outcome.NOT_READY: Probe.NOT_READY, Outcome.UNREACHABLE: Probe.UNREACHABLE}


@dataclass(frozen=True)
class Thresholds:
    """In a row."""

    failures: int
    successes: int


@dataclass(frozen=True)
class Findings:
    """The fields of an AgentProbe that a probe changes."""

    verdict: str = Probe.NOT_PROBED
    reason: str = ""
    failures: int = 0
    successes: int = 0
    falls: int = 0
    fell_at: datetime | None = None

    @property
    def has_failed(self) -> bool:
        return self.verdict in Probe.values and not Probe(self.verdict).takes_work


def judge(before: Findings, result: Result, now: datetime, thresholds: Thresholds) -> Findings:
    """Return what is known after another probe."""
    if result.outcome is Outcome.NOT_ALLOWED:
        return replace(
            before, verdict=Probe.NOT_PROBED, reason=result.reason, failures=0, successes=0
        )
    if before.fell_at is not None and not timedelta(0) <= now - before.fell_at < MEMORY:
        before = replace(before, falls=0, fell_at=None)
    if result.outcome is Outcome.ANSWERS:
        return _after_success(before, result.reason, thresholds)
    return _after_failure(before, result, now, thresholds)


def _after_success(before: Findings, reason: str, thresholds: Thresholds) -> Findings:
    after = replace(before, failures=0, successes=before.successes + 1)
    if not before.has_failed:
        return replace(after, verdict=Probe.ANSWERS, reason=reason)
    needed = thresholds.successes * min(2 ** max(before.falls - 1, 0), MOST_SUCCESSES_FACTOR)
    if after.successes >= needed:
        return replace(after, verdict=Probe.ANSWERS, reason=reason)
    progress = f"{after.successes} of {needed} good answers in a row"
    return _failing(after, before.verdict, f"{progress}: {reason}")


def _after_failure(
    before: Findings, result: Result, now: datetime, thresholds: Thresholds
) -> Findings:
    after = replace(before, failures=before.failures + 1, successes=0)
    if not before.has_failed:
        if after.failures < thresholds.failures:
            progress = f"{after.failures} of {thresholds.failures} failures in a row"
            return replace(after, reason=f"{progress}: {result.reason}")
        after = replace(after, falls=before.falls + 1, fell_at=now)
    return _failing(after, FAILED[result.outcome], result.reason)


def _failing(findings: Findings, verdict: str, reason: str) -> Findings:
    if findings.falls >= FLAPPING_FALLS:
        reason = f"failed {findings.falls} times lately; {reason}"
        return replace(findings, verdict=Probe.FLAPPING, reason=reason)
    # It flapped before.
    verdict = Probe.NOT_READY if verdict == Probe.FLAPPING else verdict
    return replace(findings, verdict=verdict, reason=reason)
