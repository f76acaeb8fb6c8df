"""How an agent is, and why: the worst of its lease, operator's state and own report."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, IntegerField, Q, Value, When

from agents.database.clock import DatabaseNow, HasExpired, LeaseWanes
from agents.durations import ago, in_words
from agents.models import AgentEvent, AgentRecord
from agents.states import UNKNOWN_LEVEL, Lease, Level, State, Status


@dataclass(frozen=True)
class Fact:
    source: str
    word: str
    reason: str
    level: Level


@dataclass(frozen=True)
class Condition:
    word: str
    reason: str
    level: Level
    facts: list[Fact]

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


# The words that a condition can have: what is only OK never decides, except for the lease.
WORDS = list(
    dict.fromkeys(
        [Lease.ALIVE.value]
        + [
            entry.value
            for kind in (Lease, State, Status)
            for entry in kind
            if entry.level is not Level.OK
        ]
    )
)
NOT_PROBED = Fact("probe", "not probed", "the registry does not probe agents", Level.OK)


def condition_of(
    agent: AgentRecord, now: datetime, operator_event: AgentEvent | None = None
) -> Condition:
    """`now`: the database's time. Of equally bad facts, lease comes before state and report."""
    lease = _lease(agent, now)
    report = _report(agent)
    operator = _operator(agent, now, operator_event)
    worst = max(lease, operator, report, key=lambda fact: fact.level.rank)
    facts = [lease, report, NOT_PROBED, operator]
    return Condition(worst.word, worst.reason, worst.level, facts)


def condition_word() -> Case:
    """Return an expression for the `word` of `condition_of`, of which a lease's has hyphens."""
    whens = [When(test, then=word) for _, test, word in _facts_worst_first()]
    return Case(*whens, default=Value(Lease.ALIVE.value), output_field=CharField())


def condition_rank() -> Case:
    """Return an expression for the rank of the `level` of `condition_of`."""
    whens = [When(test, then=Value(level.rank)) for level, test, _ in _facts_worst_first()]
    return Case(*whens, default=Value(Level.OK.rank), output_field=IntegerField())


def _facts_worst_first() -> Iterator[tuple[Level, Q, Any]]:
    """Yield tests of facts that are not OK, with their words, in the order of `condition_of`."""
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


def _operator(agent: AgentRecord, now: datetime, event: AgentEvent | None) -> Fact:
    if agent.state == State.ACTIVE:
        reason = "the default; no operator has changed it"
    elif event is None:
        reason = "set by an operator"
    else:
        reason = f"set by {event.actor} {ago((now - event.at).total_seconds())}"
        reason += f": {event.reason}" if event.reason else ""
    return Fact("operator", agent.state, reason, State.level_of(agent.state))
