"""Who may take an id: the token that holds it, or anybody after its agent's lease has ended.

SQL, because it has to hold while a registration locks the record.
"""

from typing import NamedTuple

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from agents.database.clock import expired_sql
from agents.database.tables import table
from agents.models import AccessToken, AgentRecord
from agents.querysets import AgentQuerySet
from agents.tokens.enrollment import Enrolment, IdHeldByAnother, TooManyAgents


class _Holder(NamedTuple):
    generation: int
    enrolled_by: str
    is_free: bool
    is_expired: bool


def is_free_sql(record: str) -> str:
    """Return SQL for whether a token, its parameter, may take the id in the table `record`."""
    return f"({record}.enrolled_by = %s OR {_is_expired_sql(record)})"


def check_holder(agent_id: str, enrolment: Enrolment) -> None:
    """Raise IdHeldByAnother if the id is not free."""
    holder = _holder(AgentRecord.objects.all(), agent_id, enrolment)
    if holder is not None and _is_taken(holder, enrolment):
        raise IdHeldByAnother(holder.generation)


def check_number(agent_id: str, enrolment: Enrolment, max_agents: int) -> None:
    """Raise TooManyAgents if the token has `max_agents` living agents without this one.

    Its locks let the second of two simultaneous registrations count the first.
    """
    holder = _holder(AgentRecord.objects.select_for_update(), agent_id, enrolment)
    if holder is not None and (_is_taken(holder, enrolment) or _counts(holder, enrolment)):
        return
    AccessToken.objects.select_for_update().filter(key=enrolment.token).first()
    others = AgentRecord.objects.filter(enrolled_by=enrolment.token).exclude(pk=agent_id)
    if others.alive().count() >= max_agents:
        raise TooManyAgents(max_agents)


def _holder(agents: AgentQuerySet, agent_id: str, enrolment: Enrolment) -> _Holder | None:
    record = table(AgentRecord)
    is_free = RawSQL(is_free_sql(record), [enrolment.token], BooleanField())  # noqa: S611
    is_expired = RawSQL(_is_expired_sql(record), [], BooleanField())  # noqa: S611
    found = agents.filter(pk=agent_id).annotate(is_free=is_free, is_expired=is_expired)
    row = found.values_list("generation", "enrolled_by", "is_free", "is_expired").first()
    return None if row is None else _Holder(*row)


def _is_taken(holder: _Holder, enrolment: Enrolment) -> bool:
    return not (enrolment.takes_over or holder.is_free)


def _counts(holder: _Holder, enrolment: Enrolment) -> bool:
    """Whether the token's living agents include it already."""
    return holder.enrolled_by == enrolment.token and not holder.is_expired


def _is_expired_sql(record: str) -> str:
    return expired_sql(f"{record}.last_heartbeat", f"{record}.ttl_seconds")
