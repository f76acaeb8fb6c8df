import json
from dataclasses import dataclass

from agents.event_streams import encode_event
from agents.history import feed
from agents.history.feed import Cursor, InvalidCursor

MOST = 100


@dataclass(frozen=True)
class Changes:
    """`events`: agents and kinds, oldest first. `is_all`: there were no others."""

    position: int
    events: list[tuple[str, str]]
    is_all: bool = True

    @property
    def as_dict(self) -> dict[str, object]:
        cursor = str(Cursor(self.position))
        return {"cursor": cursor, "changes": self.events, "isAll": self.is_all}

    @property
    def as_event(self) -> bytes:
        data = json.dumps(self.as_dict, separators=(",", ":"))
        return encode_event(data, name="changes", event_id=str(Cursor(self.position)))


def changes_between(after: int, until: int) -> Changes:
    events = feed.between(after, until).values_list("agent_id", "kind")
    found = list(events[: MOST + 1])
    return Changes(until, found[:MOST], is_all=len(found) <= MOST)


def read_position(text: str) -> int | None:
    """Return the position of a cursor; None if the changes since then cannot be listed."""
    try:
        position = Cursor.read(text).position
    except InvalidCursor:
        return None
    return position if feed.is_complete_after(position) else None
