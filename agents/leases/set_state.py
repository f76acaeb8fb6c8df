from django.db import transaction

from agents.history.record import Kind, record_event
from agents.leases.errors import UnknownAgent
from agents.models import AgentRecord
from agents.states import State


def set_state(*, agent_id: str, state: str, actor: str, reason: str = "") -> bool:
    """Return whether the state changed. Raise UnknownAgent."""
    with transaction.atomic():
        agent = AgentRecord.objects.select_for_update().filter(pk=agent_id).first()
        if agent is None:
            raise UnknownAgent(agent_id)
        if agent.state == state:
            return False
        AgentRecord.objects.filter(pk=agent_id).update(state=state)
        record_event(
            Kind(State(state).event),
            agent_id=agent_id,
            generation=agent.generation,
            actor=actor,
            reason=reason,
        )
    return True
