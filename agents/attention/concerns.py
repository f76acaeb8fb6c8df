from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.actors import STAFF
from agents.attention.problems import Problem
from agents.history.gone import Died
from agents.history.restlessness import FEWEST_STARTS, find_restless
from agents.leases.fleet.count import Count
from agents.leases.fleet.last_count import troubled_agents
from agents.leases.fleet.troubled import MOST

Muted = Collection[tuple[str, str]]


@dataclass(frozen=True)
class Finding:
    """`at`: when that was, or the last heartbeat of an agent that misses some."""

    problem: Problem
    reason: str
    at: datetime | None = None


@dataclass(frozen=True)
class Concern:
    """What is wrong with an agent, or with the registry (""), the worst first."""

    agent_id: str
    findings: Sequence[Finding]

    @property
    def worst(self) -> Finding:
        return self.findings[0]


def find_concerns(count: Count, died: Died | None) -> list[Concern]:
    """Return what is wrong with agents, the worst first.

    `died`: None leaves out what only the history says.
    """
    found = list(_by_records(count))
    if died is not None:
        found += [*_by_ends(died), *_by_registrations()]
    by_agent: dict[str, list[Finding]] = {}
    for agent_id, finding in found:
        by_agent.setdefault(agent_id, []).append(finding)
    concerns = [
        Concern(agent_id, sorted(findings, key=lambda finding: finding.problem.rank))
        for agent_id, findings in by_agent.items()
    ]
    return sorted(concerns, key=_urgency)


def without_muted(concerns: Iterable[Concern], muted: Muted) -> list[Concern]:
    shown = []
    for concern in concerns:
        left = [one for one in concern.findings if (concern.agent_id, one.problem) not in muted]
        if left:
            shown.append(Concern(concern.agent_id, left))
    return sorted(shown, key=_urgency)


def _urgency(concern: Concern) -> tuple[int, float, str]:
    """The worst problem first, then what is newest."""
    worst = concern.worst
    return worst.problem.rank, -worst.at.timestamp() if worst.at else 0.0, concern.agent_id


def _by_records(count: Count) -> Iterator[tuple[str, Finding]]:
    for one in troubled_agents(count):
        problem = Problem(one.word)
        is_silent = problem in {Problem.EXPIRED, Problem.EXPIRING_SOON}
        at = datetime.fromisoformat(one.last_heartbeat) if is_silent else None
        yield one.agent_id, Finding(problem, one.reason, at)


def _by_ends(died: Died) -> Iterator[tuple[str, Finding]]:
    for event in died.newest:
        if not event.actor.startswith(STAFF):  # somebody knows
            place = f"{event.reason or 'its lease ended'}, last on {event.host}"  # type: ignore[attr-defined]
            yield event.agent_id, Finding(Problem.GONE, place, event.at)


def _by_registrations() -> Iterator[tuple[str, Finding]]:
    for one in find_restless(MOST):
        if one.refusals:
            yield one.agent_id, Finding(Problem.REFUSED, one.refusal or "", one.refused_at)
        if one.starts >= FEWEST_STARTS:
            reason = f"registered {one.starts} times in the last hour"
            yield one.agent_id, Finding(Problem.RESTARTING, reason, one.started_at)
