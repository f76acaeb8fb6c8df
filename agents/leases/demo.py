from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agents.database.clock import database_now
from agents.leases.reindex import reindex
from agents.models import AgentRecord


def write_registered_before(agents: Sequence[dict[str, Any]]) -> None:
    """Write records of a demonstration. Their events are in the history already.

    `silent_for`, instead of `last_heartbeat`: seconds.
    """
    now = database_now()
    records = [
        AgentRecord(last_heartbeat=now - timedelta(seconds=agent.pop("silent_for")), **agent)
        for agent in agents
    ]
    AgentRecord.objects.bulk_create(records)
    reindex()
