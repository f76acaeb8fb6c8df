"""What the bodies of heartbeats say, where they say it in the plainest way.

The serializers of the API take more, and tell what is wrong: all else is left to them.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from rest_framework.exceptions import ParseError

from agents.api.fields import ID_PATTERN, NO_IDS
from agents.api.many_heartbeats import MAX_AGENTS
from agents.api.parsers import parse_json
from agents.api.serializers import MAX_LEASE_TOKEN_LENGTH
from agents.models import MAX_NOTE_LENGTH
from agents.states import Status

STATUSES = frozenset(Status.values)
AGENT_ID = re.compile(ID_PATTERN)
LEASE_TOKEN = re.compile(rf"[!-~]{{0,{MAX_LEASE_TOKEN_LENGTH}}}")
# Agents that say the same all the time are read once; those that never do, are not remembered.
MOST_REMEMBERED = 4_096
LARGEST_REMEMBERED = 256


class Report(NamedTuple):
    """What an agent says of itself; None where it says nothing."""

    status: str | None = None
    load: float | None = None
    note: str | None = None


NOTHING = Report()


def read_report(body: bytes) -> Report | None:
    """Return the report of one agent; None for what a serializer has to judge."""
    if not body:
        return NOTHING
    return (_remembered if len(body) <= LARGEST_REMEMBERED else _read_report)(body)


def read_leases(body: bytes) -> list[tuple[str, str | None]] | None:
    """Return the leases of many agents, as ids and tokens; None for what a serializer judges."""
    said = _parse(body)
    if not isinstance(said, dict) or said.keys() != {"agents"}:
        return None
    agents = said["agents"]
    if not isinstance(agents, list) or len(agents) > MAX_AGENTS:
        return None
    leases = [_lease(agent) for agent in agents]
    return None if None in leases else leases  # type: ignore[return-value]  # there is no None


def _lease(said: Any) -> tuple[str, str | None] | None:
    if not isinstance(said, dict):
        return None
    agent_id = said.get("agent_id")
    if not isinstance(agent_id, str) or not AGENT_ID.fullmatch(agent_id) or agent_id in NO_IDS:
        return None
    if len(said) == 1:
        return agent_id, None
    token = said.get("lease_token")
    if len(said) > 2 or not isinstance(token, str) or not LEASE_TOKEN.fullmatch(token):  # noqa: PLR2004
        return None
    return agent_id, token


def _read_report(body: bytes) -> Report | None:
    said = _parse(body)
    if not isinstance(said, dict) or not said.keys() <= set(Report._fields):
        return None
    is_plain = (
        _is_status(said.get("status", "ready"))
        and _is_share(said.get("load", 0.0))
        and _is_note(said.get("note", ""))
    )
    return Report(**said) if is_plain else None


_remembered = lru_cache(maxsize=MOST_REMEMBERED)(_read_report)


def _is_status(status: Any) -> bool:
    return isinstance(status, str) and status in STATUSES


def _is_share(load: Any) -> bool:
    return type(load) in {int, float} and 0 <= load <= 1


def _is_note(note: Any) -> bool:
    # What can be printed has nothing in it that the database could not keep.
    return (
        isinstance(note, str)
        and len(note) <= MAX_NOTE_LENGTH
        and note.isprintable()
        and note == note.strip()
    )


def _parse(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ParseError:
        return None
