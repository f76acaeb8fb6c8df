"""Writes catalog entries again: processes of an earlier version write none."""

from django.db import transaction

from agents.leases.entries import COLUMNS, entry_of
from agents.models import AgentCard, AgentRecord, CatalogEntry

# Heartbeats of these agents wait.
BATCH_SIZE = 100


def reindex(batch_size: int = BATCH_SIZE) -> int:
    """Write missing and outdated entries. Return how many."""
    written, last = 0, ""
    while True:
        with transaction.atomic():
            agents = AgentRecord.objects.filter(pk__gt=last).order_by("pk")
            batch = list(agents.select_for_update(no_key=True)[:batch_size])
            written += _write(batch)
        if len(batch) < batch_size:
            return written
        last = batch[-1].pk


def _write(agents: list[AgentRecord]) -> int:
    ids = [agent.pk for agent in agents]
    cards = {
        (one.agent_id, one.generation): one.card for one in AgentCard.objects.in_bulk(ids).values()
    }
    known = dict(CatalogEntry.objects.filter(agent_id__in=ids).values_list("agent_id", "digest"))
    entries = [
        CatalogEntry(**entry_of(vars(agent), cards.get((agent.pk, agent.generation))))
        for agent in agents
    ]
    changed = [entry for entry in entries if known.get(entry.agent_id) != entry.digest]
    CatalogEntry.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["agent_id"],
        update_fields=[field.attname for field in COLUMNS],
    )
    return len(changed)
