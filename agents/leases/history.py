"""What is told to the history of agents, and how long it is kept."""

from datetime import timedelta
from typing import Any

from agents.clock import DatabaseNow
from agents.models import AgentEvent

DEFAULT_BATCH_SIZE = 1000

Kind = AgentEvent.Kind


def event(
    agent_id: str, kind: AgentEvent.Kind, generation: int | None = None, **details: Any
) -> AgentEvent:
    details.setdefault("at", DatabaseNow())
    return AgentEvent(agent_id=agent_id, kind=kind, generation=generation, **details)


def refuse_once(
    agent_id: str, generation: int | None = None, *, actor: str, reason: str, address: str | None
) -> None:
    """Tell the history of a refusal, unless it has been told: whoever is refused tries again."""
    refused = event(agent_id, Kind.REFUSED, generation, actor=actor, reason=reason)
    same: dict[str, Any] = {"kind": refused.kind, "generation": generation, "actor": actor}
    if generation is None:  # a registration that was refused: told once for each lease in its way
        same["reason"] = reason
    if not AgentEvent.objects.filter(agent_id=agent_id, **same).exists():
        refused.address = address
        refused.save()


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
