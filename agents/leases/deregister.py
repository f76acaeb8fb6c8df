"""Deletes an agent's record, for the agent or an operator."""

from django.db import connection, transaction

from agents.actors import AGENT
from agents.database.tables import table
from agents.history.record import Kind, record_event
from agents.leases.errors import Claim, explain_misses
from agents.metrics import counters
from agents.models import AgentRecord


def deregister(
    *,
    agent_id: str,
    generation: int | None = None,
    actor: str = AGENT,
    reason: str = "",
    address: str | None = None,
) -> None:
    """Raise a Miss. Without `generation`, delete the record whatever its generation is."""
    with transaction.atomic():
        gone = _delete(agent_id, generation)
        if gone is not None:
            record_event(
                Kind.DEREGISTERED,
                agent_id=agent_id,
                generation=gone,
                actor=actor,
                reason=reason,
                address=address,
            )
    if gone is None:
        [miss] = explain_misses([Claim(agent_id, generation, address)]).values()
        raise miss
    counters.DEREGISTRATIONS.inc()


def _delete(agent_id: str, generation: int | None) -> int | None:
    """Return the generation of the deleted record."""
    lease = {"agent_id": agent_id} | ({} if generation is None else {"generation": generation})
    condition = " AND ".join(f"{column} = %s" for column in lease)
    sql = f"DELETE FROM {table(AgentRecord)} WHERE {condition} RETURNING generation"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, list(lease.values()))
        row = cursor.fetchone()
    return None if row is None else int(row[0])
