"""Heartbeats: a lease lasts for its TTL from now."""

from django.db import connection

from agents import metrics
from agents.clock import now_sql
from agents.leases.misses import explain_miss, lease_condition
from agents.models import AgentRecord
from agents.sql import table


def renew(
    *,
    agent_id: str,
    generation: int | None = None,
    status: str | None = None,
    load: float | None = None,
    note: str | None = None,
    address: str | None = None,
) -> AgentRecord:
    """Renew a lease, until its TTL from now; return the agent.

    An expired lease is renewed as well, as long as its record has not been purged. None for what
    the agent says of itself leaves that as it is. `generation` None: the agent has shown no lease
    token, and is taken at its word. Raise UnknownAgent or StaleLease.
    """
    said = {"status": status, "load": load, "note": note, "seen_address": address}
    said = {column: value for column, value in said.items() if value is not None}
    changes = ", ".join([f"last_heartbeat = {now_sql(connection)}", *(f"{c} = %s" for c in said)])
    condition, key = lease_condition(agent_id, generation)
    renewed = list(
        AgentRecord.objects.raw(
            f"UPDATE {table(AgentRecord)} SET {changes} WHERE {condition} RETURNING *",  # noqa: S608
            [*said.values(), *key],
        )
    )
    if not renewed:
        explain_miss(agent_id, generation, address)
    metrics.HEARTBEATS.inc()
    return renewed[0]
