"""What it means that a renewal or a deletion found no row of its lease."""

from typing import Any, NoReturn

from agents.actors import AGENT
from agents.leases.history import refuse_once
from agents.models import AgentRecord


class UnknownAgent(Exception):
    """There is no such agent, or not any more: it has to register (again)."""


class StaleLease(Exception):
    """The lease is of an older generation: another registration holds the id."""


def lease_condition(agent_id: str, generation: int | None) -> tuple[str, list[Any]]:
    if generation is None:
        return "agent_id = %s", [agent_id]
    return "agent_id = %s AND generation = %s", [agent_id, generation]


def explain_miss(agent_id: str, generation: int | None, address: str | None) -> NoReturn:
    """Raise what a renewal or a deletion that found no row means."""
    held = AgentRecord.objects.filter(pk=agent_id).values_list("generation", flat=True).first()
    if held is None or generation is None or held < generation:
        # A newer lease than the record's: the registry was set back, and has to be told again.
        raise UnknownAgent(agent_id)
    reason = f"the lease is held by generation {held}"
    refuse_once(agent_id, generation, actor=AGENT, reason=reason, address=address)
    raise StaleLease(agent_id)
