"""A lease that is renewed in its agent's place, by an operator who knows why it is silent."""

from datetime import datetime

from django.db import transaction

from agents.database.clock import DatabaseNow
from agents.durations import exactly
from agents.history.record import Kind, record_event
from agents.leases.errors import UnknownAgent
from agents.models import AgentRecord


def extend(*, agent_id: str, actor: str, reason: str = "") -> datetime:
    """Renew a lease once, so that it ends a TTL from now; return when that is.

    An expired agent comes back by it, as long as its record has not been purged. The generation
    stays, and so does all that the agent said of itself. The history has the end and `reason`,
    together at most as long as any reason: `MAX_EXTENSION_REASON_LENGTH` characters are good.
    Raise UnknownAgent.
    """
    with transaction.atomic():
        # The lease lasts from when the record was waited for, which takes a statement of its own.
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
