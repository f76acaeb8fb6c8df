"""An id belongs to the token that holds it, and to those of its family, until its lease ends."""

from django.db.models import Q, QuerySet
from django.db.models.lookups import GreaterThan

from agents.database.clock import DatabaseNow, ExpiresAt, expired_sql
from agents.database.tables import table
from agents.models import AccessToken, AgentRecord
from agents.tokens.enrollment import Enrolment, IdHeldByAnother, TooManyAgents


def is_free_sql(record: str, token: str) -> str:
    """Call it with the `record` locked. `token` is SQL too."""
    is_expired = expired_sql(f"{record}.last_heartbeat", f"{record}.ttl_seconds")
    tokens = table(AccessToken)
    # Last: only for ids that another token holds.
    is_of_family = (
        f"EXISTS (SELECT 1 FROM {tokens} AS holder JOIN {tokens} AS caller"  # noqa: S608 - our names
        f" ON holder.family = caller.family AND holder.family <> ''"
        f" WHERE holder.key = {record}.enrolled_by AND caller.key = {token})"
    )
    return f"({record}.enrolled_by = {token} OR {is_expired} OR {is_of_family})"


def check_holder(agent_id: str, enrolment: Enrolment) -> None:
    others = AgentRecord.objects.alive().exclude(enrolled_by__in=_family(enrolment.token))
    holder = others.exclude(enrolled_by=enrolment.token).filter(pk=agent_id).first()
    if holder is not None:
        raise IdHeldByAnother(holder.generation)


def check_number(agent_id: str, enrolment: Enrolment, max_agents: int) -> None:
    """Raise TooManyAgents if the token's family has `max_agents` other living agents.

    Simultaneous registrations wait for each other.
    """
    record = AgentRecord.objects.select_for_update().filter(pk=agent_id)
    is_alive = GreaterThan(ExpiresAt(), DatabaseNow())
    family = {enrolment.token, *_family(enrolment.token)}
    for holder, lives in record.values_list("enrolled_by", is_alive):
        if lives and (holder in family or not enrolment.takes_over):
            return
    # By id, as in all that locks many records.
    list(AccessToken.objects.select_for_update().filter(key__in=family).order_by("pk"))
    others = AgentRecord.objects.filter(enrolled_by__in=family).exclude(pk=agent_id)
    if others.alive().count() >= max_agents:
        raise TooManyAgents(max_agents)


def _family(key: str) -> QuerySet[AccessToken, str]:
    """Return the keys of the other tokens of a token's family."""
    family = AccessToken.objects.filter(key=key).exclude(family="").values("family")
    others = AccessToken.objects.filter(~Q(key=key), family__in=family)
    return others.values_list("key", flat=True)
