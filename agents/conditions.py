"""How an agent is, and why: the worst of its lease, operator's state, own report and probe."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, F, IntegerField, Q, Value, When

from agents.database.clock import DatabaseNow, HasExpired, LeaseWanes
from agents.durations import ago, in_words
from agents.models import AgentEvent, AgentRecord, ProbedAt, ProbeFinds, ProbeReason, ProbeVerdict
from agents.querysets import AgentQuerySet
from agents.states import UNKNOWN_LEVEL, Lease, Level, Probe, State, Status


@dataclass(frozen=True)
class Fact:
    source: str
    word: str
    reason: str
    level: Level
    is_known: bool = True


@dataclass(frozen=True)
class Condition:
    """`decided_by`: the source of the worst fact."""

    word: str
    reason: str
    level: Level
    decided_by: str
    facts: list[Fact]

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


# Facts that are OK never decide, except the lease.
LEVELS = {Lease.ALIVE.value: Level.OK} | {
    entry.value: entry.level
    for kind in (Lease, State, Status, Probe)
    for entry in kind
    if entry.level is not Level.OK
}
WORDS = list(LEVELS)


def with_probes(agents: AgentQuerySet) -> AgentQuerySet:
    """Let `condition_of` include what probes have found."""
    return agents.annotate(
        probe_verdict=ProbeVerdict(), probe_reason=ProbeReason(), probed_at=ProbedAt()
    )


def condition_of(
    agent: AgentRecord, now: datetime, operator_event: AgentEvent | None = None
) -> Condition:
    """`now`: the database's time. Of equally bad facts, the first decides.

    They come in this order: lease, operator, report, probe.
    """
    lease = _lease(agent, now)
    report = _report(agent)
    operator = _operator(agent, now, operator_event)
    probe = _probe(agent, now)
    worst = max(lease, operator, report, probe, key=lambda fact: fact.level.rank)
    facts = [lease, report, probe, operator]
    return Condition(worst.word, worst.reason, worst.level, worst.source, facts)


def condition_word() -> Case:
    """Return an expression for `condition_of`'s `word`, with hyphens."""
    whens = [When(test, then=word) for _, test, word in _facts_worst_first()]
    return Case(*whens, default=Value(Lease.ALIVE.value), output_field=CharField())


def condition_rank() -> Case:
    whens = [When(test, then=Value(level.rank)) for level, test, _ in _facts_worst_first()]
    return Case(*whens, default=Value(Level.OK.rank), output_field=IntegerField())


def _facts_worst_first() -> Iterator[tuple[Level, Q, Any]]:
    """Yield tests of facts that are not OK, with their words."""
    leases = {Lease.EXPIRED: Q(HasExpired()), Lease.EXPIRING_SOON: Q(LeaseWanes(DatabaseNow()))}
    for level in reversed(Level):
        if level is Level.OK:
            return
        for lease, test in leases.items():
            if lease.level is level:
                yield level, test, Value(lease.value)
        for column, kind in (("state", State), ("status", Status)):
            known = [entry.value for entry in kind if entry.level is level]
            if known:
                yield level, Q(**{f"{column}__in": known}), F(column)
            if level is UNKNOWN_LEVEL:
                yield level, ~Q(**{f"{column}__in": kind.values}), F(column)
        for verdict in Probe:
            if verdict.level is level:
                yield level, Q(ProbeFinds([verdict])), Value(verdict.value)


def lease_of(agent: AgentRecord, now: datetime) -> Lease:
    if not agent.is_alive(now):
        return Lease.EXPIRED
    return Lease.EXPIRING_SOON if agent.is_expiring_soon(now) else Lease.ALIVE


def _lease(agent: AgentRecord, now: datetime) -> Fact:
    lease = lease_of(agent, now)
    silence = (now - agent.last_heartbeat).total_seconds()
    left = (agent.expires_at - now).total_seconds()
    rest = in_words(left) if left >= 1 else "under 1 s"
    ttl = f"its lease of {in_words(agent.ttl_seconds)}"
    reasons = {
        Lease.ALIVE: f"last heartbeat {ago(silence)}, {ttl} ends in {rest}",
        Lease.EXPIRING_SOON: f"two heartbeats missed, {ttl} ends in {rest}",
        Lease.EXPIRED: f"no heartbeat for {in_words(silence)}, {ttl} ended {ago(-left)}",
    }
    return Fact("lease", lease.words, reasons[lease], lease.level)


def _report(agent: AgentRecord) -> Fact:
    details = [] if agent.load is None else [f"load {agent.load:.0%}"]
    details += [agent.note] if agent.note else []
    reason = "reported by the agent"
    if details:
        reason = f"{reason}: {', '.join(details)}"
    elif agent.status == Status.UNKNOWN:
        reason = "the agent has reported nothing"
    return Fact("report", agent.status, reason, Status.level_of(agent.status))


def _probe(agent: AgentRecord, now: datetime) -> Fact:
    verdict = getattr(agent, "probe_verdict", Probe.NOT_PROBED.value)
    at = getattr(agent, "probed_at", None)
    if settings.PROBE_NETWORKS is None:
        reason = "the registry does not probe agents"
    elif at is None:
        reason = "nothing is known: not probed yet, no worker at work, or most agents fail at once"
    else:
        reason = f"{getattr(agent, 'probe_reason', '')}, probed {ago((now - at).total_seconds())}"
    # A newer version may have written another.
    known = Probe(verdict) if verdict in Probe.values else Probe.NOT_PROBED
    return Fact("probe", known.words, reason, known.level, known is not Probe.NOT_PROBED)


def _operator(agent: AgentRecord, now: datetime, event: AgentEvent | None) -> Fact:
    if agent.state == State.ACTIVE:
        reason = "the default; no operator has changed it"
    elif event is None:
        reason = "set by an operator"
    else:
        reason = f"set by {event.actor} {ago((now - event.at).total_seconds())}"
        reason += f": {event.reason}" if event.reason else ""
    return Fact("operator", agent.state, reason, State.level_of(agent.state))
