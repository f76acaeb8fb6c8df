"""Take an operator's change back, unless something else has changed the same since."""

from datetime import datetime, timedelta

from django.db import transaction

from agents.database.clock import database_now
from agents.durations import exactly
from agents.history.feed import later_kinds
from agents.history.of_agent import operator_event
from agents.history.record import Kind, record_event
from agents.leases.errors import UnknownAgent
from agents.leases.set_state import set_state
from agents.models import MAX_REASON_LENGTH, AgentRecord
from agents.states import State

OF_STATES = [Kind(state.event) for state in State]


def take_back_state(*, agent_id: str, before: str, after: str, position: int, actor: str) -> bool:
    """`position`: of the last event that is not newer. Raise UnknownAgent."""
    with transaction.atomic():
        agent = _locked(agent_id)
        if agent.state != after or later_kinds([agent_id], OF_STATES, position):
            return False
        agent.state = before
        earlier = operator_event(agent)
        reason = f"{State(after).verb} undone"
        if earlier is not None and earlier.reason:
            reason = f"{reason}; {before} before: {earlier.reason}"[:MAX_REASON_LENGTH]
        return set_state(agent_id=agent_id, state=before, actor=actor, reason=reason)


def take_back_extension(*, agent_id: str, before: datetime, after: datetime, actor: str) -> bool:
    """`before`, `after`: last heartbeats. The lease ends as without it, but not in the past.

    Raise UnknownAgent.
    """
    with transaction.atomic():
        agent = _locked(agent_id)
        if agent.last_heartbeat != after:
            return False
        ttl = timedelta(seconds=agent.ttl_seconds)
        # It was alive until now.
        agent.last_heartbeat = max(before, database_now() - ttl)
        AgentRecord.objects.filter(pk=agent_id).update(last_heartbeat=agent.last_heartbeat)
        record_event(
            Kind.EXTENDED,
            agent_id=agent_id,
            generation=agent.generation,
            actor=actor,
            reason=f"undone: until {exactly(agent.expires_at)}",
        )
    return True


def _locked(agent_id: str) -> AgentRecord:
    agent = AgentRecord.objects.select_for_update().filter(pk=agent_id).first()
    if agent is None:
        raise UnknownAgent(agent_id)
    return agent
