"""The end of a record: its agent deregisters, or its lease has ended and it is purged."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from agents import metrics
from agents.actors import AGENT
from agents.clock import ended_sql
from agents.leases.erasing import erase
from agents.leases.history import Kind, event
from agents.leases.misses import Claim, explain_miss, lease_condition
from agents.models import AgentRecord
from agents.sql import table


def deregister(
    *,
    agent_id: str,
    generation: int | None = None,
    actor: str = AGENT,
    reason: str = "",
    address: str | None = None,
) -> None:
    """Delete the record of an agent. Raise UnknownAgent or StaleLease, as `renew` does."""
    condition, key = lease_condition(agent_id, generation)
    with transaction.atomic():
        gone = delete(condition, key)
        for agent in gone:
            details = {"actor": actor, "reason": reason, "address": address}
            event(agent_id, Kind.DEREGISTERED, agent.generation, **details).save()
    if not gone:
        explain_miss(Claim(agent_id, generation, address))
    metrics.DEREGISTRATIONS.inc()


def purge(*, agent_id: str, actor: str) -> bool:
    """Delete one agent if its lease has ended; return whether it was so."""
    condition = f"agent_id = %s AND {ended_sql(connection)}"
    return bool(erase(condition, [agent_id], actor).gone)


def delete(condition: str, parameters: Sequence[Any]) -> list[AgentRecord]:
    """Delete the records of which `condition` holds, by one statement; return their leases."""
    columns = "agent_id, generation, last_heartbeat, ttl_seconds"
    sql = f"DELETE FROM {table(AgentRecord)} WHERE {condition} RETURNING {columns}"  # noqa: S608 - all ours
    return list(AgentRecord.objects.raw(sql, parameters))
