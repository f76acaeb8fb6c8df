"""How an agent stands, and why: of what is known about it, the worst has the word.

Three facts are about the agent: its lease, what it reports of itself, and a probe, which this
registry does not do. Beside them is what the operator says of it. All of it is in the record: no
query is made here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from agents.durations import ago, in_words
from agents.models import AgentEvent, AgentRecord

State, Status = AgentRecord.State, AgentRecord.Status


class Level(StrEnum):
    """How bad something is; the names are those of the colours in the pages' styles."""

    OK = "ok"
    WARN = "warn"
    HOLD = "hold"
    SET_APART = "set-apart"
    BAD = "bad"

    @property
    def rank(self) -> int:
        """0 for what is well; the worse, the higher."""
        return list(Level).index(self)


@dataclass(frozen=True)
class Fact:
    """`name`: what it is about. `word`: how that is. `reason`: why, as a sentence's end has it."""

    name: str
    word: str
    reason: str
    level: Level


@dataclass(frozen=True)
class Standing:
    """The word, reason and level of the worst fact; `facts`: lease, own report, probe, operator."""

    word: str
    reason: str
    level: Level
    facts: list[Fact]

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


# What an agent reports that is not well.
REPORTS: dict[str, Level] = {
    Status.STARTING: Level.WARN,
    Status.DEGRADED: Level.WARN,
    Status.DRAINING: Level.HOLD,
}
# What an operator says of it that is not as usual.
OPERATORS: dict[str, Level] = {
    State.QUARANTINED: Level.SET_APART,
    State.DRAINING: Level.HOLD,
}
NOT_PROBED = Fact("probe", "not probed", "this registry does not probe agents", Level.OK)
NOT_SET_APART = Fact("operator", "active", "no operator drains it or sets it apart", Level.OK)


def standing(
    agent: AgentRecord, now: datetime, operators_event: AgentEvent | None = None
) -> Standing:
    """Return how `agent` stands at `now`, which is the database's time.

    `operators_event`: by which the agent came into the operator's state, where that is known; who
    did it, when and why is then said. Of facts that are equally bad the lease comes first, then
    the operator's word, then the agent's own.
    """
    lease = _lease(agent, now)
    report = _report(agent)
    operator = _operator(agent, now, operators_event)
    worst = max(lease, operator, report, key=lambda fact: fact.level.rank)
    facts = [lease, report, NOT_PROBED, operator]
    return Standing(worst.word, worst.reason, worst.level, facts)


def _lease(agent: AgentRecord, now: datetime) -> Fact:
    silence = (now - agent.last_heartbeat).total_seconds()
    lease = f"its lease of {in_words(agent.ttl_seconds)}"
    left = agent.expires_at - now
    if left <= timedelta(0):
        ended = f"{lease} ended {ago(-left.total_seconds())}"
        reason = f"no heartbeat for {in_words(silence)}, {ended}"
        return Fact("lease", "expired", reason, Level.BAD)
    rest = _left(left)
    if agent.is_expiring_soon(now):
        missed = f"two heartbeats are missed, {lease} ends in {rest}"
        return Fact("lease", "expiring soon", missed, Level.WARN)
    heard = f"last heartbeat {ago(silence)}"
    return Fact("lease", "alive", f"{heard}, {lease} ends in {rest}", Level.OK)


def _report(agent: AgentRecord) -> Fact:
    status = agent.status
    level = REPORTS.get(status, Level.OK)
    if status == Status.UNKNOWN and agent.load is None and not agent.note:
        return Fact("own report", status, "it has not reported about itself", level)
    said = [] if agent.load is None else [f"load {agent.load:.0%}"]
    said += [agent.note] if agent.note else []
    reason = "by its own report"
    return Fact("own report", status, f"{reason}: {', '.join(said)}" if said else reason, level)


def _operator(agent: AgentRecord, now: datetime, event: AgentEvent | None) -> Fact:
    if agent.state == State.ACTIVE:
        return NOT_SET_APART
    level = OPERATORS[agent.state]
    if event is None:
        return Fact("operator", agent.state, "by an operator", level)
    reason = f"by {event.actor} {ago((now - event.at).total_seconds())}"
    return Fact(
        "operator", agent.state, f"{reason}: {event.reason}" if event.reason else reason, level
    )


def _left(left: timedelta) -> str:
    return in_words(left.total_seconds()) if left >= timedelta(seconds=1) else "under 1 s"
