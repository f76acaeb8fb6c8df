from datetime import datetime

from django.db import transaction

from agents.database.clock import DatabaseNow
from agents.durations import exactly
from agents.history.record import Kind, record_event
from agents.leases.errors import UnknownAgent
from agents.models import AgentRecord


def extend(*, agent_id: str, actor: str, reason: str = "") -> datetime:
    """Renew a lease, even an expired one, and return its end. Raise UnknownAgent.

    `reason`: up to MAX_EXTENSION_REASON_LENGTH characters.
    """
    with transaction.atomic():
        # Lock first: `DatabaseNow` is then the time after waiting.
        agent = AgentRecord.objects.select_for_update().filter(pk=agent_id).first()
        if agent is None:
            raise UnknownAgent(agent_id)
        AgentRecord.objects.filter(pk=agent_id).update(last_heartbeat=DatabaseNow())
        agent.refresh_from_db(fields=["last_heartbeat"])
        until = f"until {exactly(agent.expires_at)}"
        record_event(
            Kind.EXTENDED,
            agent_id=agent_id,
            generation=agent.generation,
            actor=actor,
            reason=f"{until}: {reason}" if reason else until,
        )
    return agent.expires_at
