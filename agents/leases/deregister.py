import json

from django.db import connection, transaction

from agents.actors import AGENT
from agents.database.tables import table
from agents.history.last_record import last_record_sql
from agents.history.record import Kind, record_event
from agents.leases.errors import Claim, explain_misses
from agents.metrics import counters
from agents.models import AgentCard, AgentRecord, CatalogEntry

DELETE = (
    f"DELETE FROM {table(AgentRecord)} WHERE agent_id = %s"  # noqa: S608
    f" AND generation = COALESCE(%s, generation) RETURNING generation, {last_record_sql()}"
)


def deregister(
    *,
    agent_id: str,
    generation: int | None = None,
    actor: str = AGENT,
    reason: str = "",
    address: str | None = None,
) -> None:
    """None for `generation` matches any. Raise a Miss."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DELETE, [agent_id, generation])
        deleted = cursor.fetchone()
        if deleted is not None:
            for model in (AgentCard, CatalogEntry):
                model.objects.filter(agent_id=agent_id).delete()
            record_event(
                Kind.DEREGISTERED,
                agent_id=agent_id,
                generation=deleted[0],
                actor=actor,
                reason=reason,
                address=address,
                record=json.loads(deleted[1]),
            )
    if deleted is None:
        [miss] = explain_misses([Claim(agent_id, generation, address)]).values()
        raise miss
    counters.DEREGISTRATIONS.inc()
