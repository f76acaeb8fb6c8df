"""Which agents died on the same host at the same time, by their last records."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from agents.history.feed import ends_newest_first
from agents.models import AgentEvent

# Between two last heartbeats: agents send one in a third of their TTL.
TOGETHER = timedelta(minutes=2)
# Purges may be held, and those of a TTL of an hour come an hour later.
PURGED_WITHIN = timedelta(hours=2)
MOST_READ = 500


def died_together(event: AgentEvent, limit: int) -> Sequence[AgentEvent]:
    """Return the purges of others on the host of a purged agent, by their last heartbeats."""
    record = event.record or {}
    last, host = _last_heartbeat(record), record.get("host")
    if last is None or event.kind != AgentEvent.Kind.PURGED:
        return []
    same_host = Q(record__host=host)
    if address := record.get("seen_address"):
        same_host |= Q(record__seen_address=address)
    others = ends_newest_first().filter(
        same_host,
        kind=AgentEvent.Kind.PURGED,
        at__gte=event.at - PURGED_WITHIN,
        at__lte=event.at + PURGED_WITHIN,
    )
    found: dict[str, AgentEvent] = {}
    for other in others.exclude(agent_id=event.agent_id)[:MOST_READ]:
        at = _last_heartbeat(other.record or {})
        if at is not None and abs(at - last) <= TOGETHER:
            found.setdefault(other.agent_id, other)
    return sorted(found.values(), key=lambda other: other.agent_id)[:limit]


def _last_heartbeat(record: Mapping[str, Any]) -> datetime | None:
    text = record.get("last_heartbeat")
    return datetime.fromisoformat(text) if text else None
