"""An id belongs to the token that holds it, until its lease ends."""

from django.db.models.lookups import GreaterThan

from agents.database.clock import DatabaseNow, ExpiresAt, expired_sql
from agents.models import AccessToken, AgentRecord
from agents.tokens.enrollment import Enrolment, IdHeldByAnother, TooManyAgents


def is_free_sql(record: str, token: str) -> str:
    """Call it with the `record` locked. `token` is SQL too."""
    is_expired = expired_sql(f"{record}.last_heartbeat", f"{record}.ttl_seconds")
    return f"({record}.enrolled_by = {token} OR {is_expired})"


def check_holder(agent_id: str, enrolment: Enrolment) -> None:
    others = AgentRecord.objects.alive().exclude(enrolled_by=enrolment.token)
    holder = others.filter(pk=agent_id).first()
    if holder is not None:
        raise IdHeldByAnother(holder.generation)


def check_number(agent_id: str, enrolment: Enrolment, max_agents: int) -> None:
    """Raise TooManyAgents if the token has `max_agents` other living agents.

    Simultaneous registrations wait for each other.
    """
    record = AgentRecord.objects.select_for_update().filter(pk=agent_id)
    is_alive = GreaterThan(ExpiresAt(), DatabaseNow())
    for holder, lives in record.values_list("enrolled_by", is_alive):
        if lives and (holder == enrolment.token or not enrolment.takes_over):
            return
    AccessToken.objects.select_for_update().filter(key=enrolment.token).first()
    others = AgentRecord.objects.filter(enrolled_by=enrolment.token).exclude(pk=agent_id)
    if others.alive().count() >= max_agents:
        raise TooManyAgents(max_agents)
