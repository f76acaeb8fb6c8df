"""What is told to the history of agents, and how long it is kept."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agents.actors import AGENT
from agents.database.clock import DatabaseNow
from agents.models import AgentEvent

DEFAULT_BATCH_SIZE = 1000

Kind = AgentEvent.Kind


def event(
    agent_id: str, kind: AgentEvent.Kind, generation: int | None = None, **details: Any
) -> AgentEvent:
    details.setdefault("at", DatabaseNow())
    return AgentEvent(agent_id=agent_id, kind=kind, generation=generation, **details)


def tell_refused_registration(
    agent_id: str, *, actor: str, reason: str, address: str | None
) -> None:
    """Tell of a registration that was refused, once for each lease in its way."""
    refused = event(agent_id, Kind.REFUSED, actor=actor, reason=reason)
    same = {"kind": refused.kind, "generation": None, "actor": actor, "reason": reason}
    if not AgentEvent.objects.filter(agent_id=agent_id, **same).exists():
        refused.address = address
        refused.save()


def tell_stale_leases(refused: Sequence[tuple[str, int, int, str | None]]) -> None:
    """Tell of calls with older leases, each lease once: whoever is refused tries again.

    Each is the agent's id, its generation, the generation that holds the lease, and the address.
    """
    told = AgentEvent.objects.filter(
        kind=Kind.REFUSED, actor=AGENT, agent_id__in={agent_id for agent_id, *_ in refused}
    )
    known = set(told.values_list("agent_id", "generation"))
    events = []
    for agent_id, generation, held, address in refused:
        if (agent_id, generation) not in known:
            known.add((agent_id, generation))
            reason = f"the lease is held by generation {held}"
            details = {"actor": AGENT, "reason": reason, "address": address}
            events.append(event(agent_id, Kind.REFUSED, generation, **details))
    AgentEvent.objects.bulk_create(events)


def trim_history(*, days: int, batch_size: int = DEFAULT_BATCH_SIZE) -> int:
    """Delete the events that are older than `days`; return how many."""
    trimmed = 0
    while True:
        old = AgentEvent.objects.filter(at__lt=DatabaseNow() - timedelta(days=days))
        batch = list(old.values_list("pk", flat=True)[:batch_size])
        count, _ = AgentEvent.objects.filter(pk__in=batch).delete()
        trimmed += count
        if count < batch_size:
            return trimmed
