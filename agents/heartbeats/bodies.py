"""Parses plain bodies. Serializers read all others, and explain what is wrong."""

import re
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from agents import agent_ids
from agents.agent_ids import RESERVED, is_agent_id
from agents.fast_path.plain_values import is_status, is_text
from agents.heartbeats.serializers import MAX_LEASES
from agents.models import MAX_NOTE_LENGTH
from agents.strict_json import InvalidJSON, parse_json
from agents.tokens.lease import MAX_LENGTH as MAX_LEASE_TOKEN_LENGTH

LEASE_TOKEN = re.compile(rf"[!-~]{{0,{MAX_LEASE_TOKEN_LENGTH}}}")
CACHE_SIZE = 4_096
LONGEST_CACHED = 256


# Twice as fast as JSON.
USUAL_LEASE = (
    rf'\{{"agent_id": ?"({agent_ids.PATTERN})",'
    rf' ?"lease_token": ?"([!#-\[\]-~]{{0,{MAX_LEASE_TOKEN_LENGTH}}})"\}}'
).encode()
USUAL_LEASES = re.compile(rb'\{"agents": ?\[%s(?:, ?%s)*+\]\}' % (USUAL_LEASE, USUAL_LEASE))
EACH_LEASE = re.compile(USUAL_LEASE.decode())


class Report(NamedTuple):
    status: str | None = None
    load: float | None = None
    note: str | None = None


EMPTY = Report()


def parse_report(body: bytes) -> Report | None:
    """None: a serializer has to judge."""
    if not body:
        return EMPTY
    return (_parse_cached if len(body) <= LONGEST_CACHED else _parse_report)(body)


def parse_leases(body: bytes) -> list[tuple[str, str | None]] | None:
    """Return ids and lease tokens. None: a serializer has to judge."""
    if USUAL_LEASES.fullmatch(body):
        found: list[tuple[str, str | None]] = EACH_LEASE.findall(body.decode())
        is_plain = len(found) <= MAX_LEASES and RESERVED.isdisjoint(map(itemgetter(0), found))
        return found if is_plain else None
    call = _parse(body)
    if not isinstance(call, dict) or call.keys() != {"agents"}:
        return None
    agents = call["agents"]
    if not isinstance(agents, list) or len(agents) > MAX_LEASES:
        return None
    leases = [_lease(agent) for agent in agents]
    return None if None in leases else leases  # type: ignore[return-value]


def _lease(agent: Any) -> tuple[str, str | None] | None:
    if not isinstance(agent, dict):
        return None
    agent_id = agent.get("agent_id")
    if not isinstance(agent_id, str) or not is_agent_id(agent_id):
        return None
    if len(agent) == 1:
        return agent_id, None
    token = agent.get("lease_token")
    if len(agent) > 2 or not isinstance(token, str) or not LEASE_TOKEN.fullmatch(token):  # noqa: PLR2004
        return None
    return agent_id, token


def _parse_report(body: bytes) -> Report | None:
    report = _parse(body)
    if not isinstance(report, dict) or not report.keys() <= set(Report._fields):
        return None
    is_plain = (
        is_status(report.get("status", "ready"))
        and _is_share(report.get("load", 0.0))
        and is_text(report.get("note", ""), MAX_NOTE_LENGTH)
    )
    return Report(**report) if is_plain else None


_parse_cached = lru_cache(maxsize=CACHE_SIZE)(_parse_report)


def _is_share(load: Any) -> bool:
    return type(load) in {int, float} and 0 <= load <= 1


def _parse(body: bytes) -> Any:
    try:
        return parse_json(body)
    except InvalidJSON:
        return None
