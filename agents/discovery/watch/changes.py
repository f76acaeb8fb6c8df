from collections.abc import Collection, Iterator
from dataclasses import dataclass

from agents.discovery.watch.messages import Kind, Message
from agents.discovery.watch.view import View
from agents.history import feed
from agents.models import AgentEvent
from agents.states import BY_OPERATION

MAX_EVENTS = 200

Event = AgentEvent.Kind
OPERATIONS = {Event(state.event): state.value for state in BY_OPERATION}
DELETIONS = (Event.PURGED, Event.DEREGISTERED)
BEGINS = (Event.REGISTERED, Event.RE_REGISTERED, Event.RECOVERED)
ENDS = (Event.EXPIRED, *DELETIONS)
PROBES = (Event.PROBE_FAILED, Event.PROBE_RECOVERED)
KINDS = (*BEGINS, *ENDS, *OPERATIONS, *PROBES)
LEFT = "left the filter"


@dataclass(frozen=True)
class Change:
    number: int
    agent_id: str
    kind: str


@dataclass(frozen=True)
class Chunk:
    """`messages` have all changes up to `position`."""

    messages: list[Message]
    position: int


def read_changes(view: View, after: int, until: int, *, follows_list: bool) -> Chunk:
    """Read the changes of the next MAX_EVENTS events between two positions.

    What an agent was before is unknown: MODIFIED may come for one that enters a view, and DELETED
    for one that was never in it. `follows_list`: the client may have read a list that is later than
    its position `after`, and so know agents that came and went since.
    """
    position = feed.position_after(MAX_EVENTS, after=after, until=until)
    events = feed.between(after, position).filter(kind__in=KINDS)
    changes = [Change(*row) for row in events.values_list("pk", "agent_id", "kind")]
    if not changes:
        return Chunk([], position)
    return Chunk(list(Reader(view, changes, follows_list=follows_list).messages()), position)


class Reader:
    """`_told`: whether the client has an agent, as far as is known."""

    def __init__(self, view: View, changes: list[Change], *, follows_list: bool) -> None:
        self._view = view
        self._changes = changes
        self._follows_list = follows_list
        self._last = {change.agent_id: change.number for change in changes}
        self._found = view.read(self._last)
        self._returned = () if view.includes_dead else _registered_after_end(changes)
        ends = [change.number for change in changes if change.kind in DELETIONS]
        self._never_had = view.never_had(ends)
        self._told: dict[str, bool] = {}

    def messages(self) -> Iterator[Message]:
        for change in self._changes:
            agent = self._found.agents.get(change.agent_id)
            message = self._deleted(change) if agent is None else self._shown(change, agent)
            if message is not None:
                self._told[change.agent_id] = message.kind is not Kind.DELETED
                yield message

    def _shown(self, change: Change, agent: str) -> Message | None:
        has_it = self._told.get(change.agent_id)
        if has_it is None:
            has_it = not self._enters(change)
        if not has_it:
            return Message(Kind.ADDED, change.number, change.agent_id, agent)
        if change.number == self._last[change.agent_id]:
            return Message(Kind.MODIFIED, change.number, change.agent_id, agent)
        return None  # a later change has the same message

    def _deleted(self, change: Change) -> Message | None:
        has_it = self._told.get(change.agent_id)
        if has_it is False or (has_it is None and self._lacks(change)):
            if change.kind == Event.REGISTERED and not self._follows_list:
                self._told[change.agent_id] = False
            return None
        is_end = change.kind in ENDS
        reason = change.kind if is_end else LEFT
        return Message(Kind.DELETED, change.number, change.agent_id, reason=reason)

    def _enters(self, change: Change) -> bool:
        """Whether an agent in the view was not in it before this change."""
        if change.kind == Event.RECOVERED:
            return not self._view.includes_dead
        state = OPERATIONS.get(Event(change.kind))
        return (
            change.kind == Event.REGISTERED
            or change.agent_id in self._returned
            or (state is not None and list(self._view.states) == [state])
        )

    def _lacks(self, change: Change) -> bool:
        """Whether an agent outside the view was not in it before this change either.

        An event that leaves the filtered fields alone removes only matching agents.
        """
        if change.kind in DELETIONS:
            was_out = change.kind == Event.PURGED and not self._view.includes_dead
            return was_out or change.number in self._never_had
        if change.kind == Event.RE_REGISTERED or (change.kind in OPERATIONS and self._view.states):
            return False
        if change.kind in (Event.REGISTERED, Event.RECOVERED, *PROBES):
            return True
        return change.agent_id in self._found.others


def _registered_after_end(changes: list[Change]) -> Collection[str]:
    first: dict[str, Change] = {}
    for change in changes:
        first.setdefault(change.agent_id, change)
    again = [one.agent_id for one in first.values() if one.kind == Event.RE_REGISTERED]
    before = feed.last_kinds(again, (*BEGINS, *ENDS), before=changes[0].number)
    return {agent_id for agent_id, kind in before.items() if kind in ENDS}
