from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.database.clock import DatabaseNow
from agents.durations import ago, exactly
from agents.history.feed import newest_first
from agents.history.timeline import ENDS
from agents.models import AgentEvent, AgentRecord
from agents.querysets import read_at
from agents.states import State

MAX_EVENTS = 2_000
Kind = AgentEvent.Kind


@dataclass(frozen=True)
class History:
    """Newest first. `is_cut`: there are older events."""

    events: Sequence[AgentEvent]
    is_cut: bool

    def newest(self, *kinds: str) -> AgentEvent | None:
        return next((event for event in self.events if event.kind in kinds), None)

    def operator_event(self, agent: AgentRecord) -> AgentEvent | None:
        kind = _event_of(agent.state)
        return self.newest(kind) if kind else None


def read_history(agent_id: str, limit: int = MAX_EVENTS) -> History:
    events = newest_first(agent_id).annotate(read_at=DatabaseNow())
    found = list(events[: limit + 1])
    return History(found[:limit], is_cut=len(found) > limit)


def operator_event(agent: AgentRecord) -> AgentEvent | None:
    """As `History.operator_event`, without reading all events."""
    kind = _event_of(agent.state)
    if kind is None:
        return None
    newest = newest_first(agent.pk)[:MAX_EVENTS]
    return newest_first().filter(pk__in=newest.values("pk"), kind=kind).first()


def describe_end(
    history: History,
    form: Callable[..., str] = str.format,
    time: Callable[[datetime], str] = exactly,
) -> str:
    """`form` and `time` may write HTML."""
    last = history.newest(*ENDS)
    if last is None or last.kind == Kind.EXPIRED:
        return "The history does not say why."

    def when(event: AgentEvent) -> str:
        age = ago((read_at(event) - event.at).total_seconds())
        return form("{}, at {}", age, time(event.at))

    reason = f": {last.reason}" if last.reason else ""
    if last.kind == Kind.DEREGISTERED:
        return form("It was deregistered {}, by {}{}.", when(last), last.actor, reason)
    purged = form("purged {}, by {}{}.", when(last), last.actor, reason)
    expired = history.newest(Kind.EXPIRED)
    if expired is None:
        return form("It was {}", purged)
    why = f" ({expired.reason})" if expired.reason else ""
    return form("Its lease ended {}{}; it was {}", when(expired), why, purged)


def _event_of(state: str) -> str | None:
    return next((one.event for one in State if one == state and not one.is_default), None)
