"""Deletes what purged agents have left in other tables."""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from agents.models import AgentCard, AgentRecord, CatalogEntry

BATCH_SIZE = 1000


def delete_leftovers(batch_size: int = BATCH_SIZE) -> int:
    """Keep only the cards of agents' last registrations, and the entries of agents."""
    agents = AgentRecord.objects.filter(agent_id=OuterRef("agent_id"))
    last = agents.filter(generation=OuterRef("generation"))
    cards = AgentCard.objects.filter(~Exists(last))
    entries = CatalogEntry.objects.filter(~Exists(agents))
    return _delete(cards, batch_size) + _delete(entries, batch_size)


def _delete(unused: QuerySet[Any], batch_size: int) -> int:
    deleted = 0
    while True:
        found = list(unused.values_list("pk", flat=True)[:batch_size])
        count = _delete_locked(unused, found)
        deleted += count
        if len(found) < batch_size or not count:
            return deleted


def _delete_locked(unused: QuerySet[Any], found: list[Any]) -> int:
    """An agent may have registered since, or register now, which writes these rows too."""
    with transaction.atomic():
        rows = unused.filter(pk__in=found).select_for_update(skip_locked=True)
        locked = list(rows.values_list("pk", flat=True))
        # A new statement sees what was committed before the rows were locked.
        count, _ = unused.filter(pk__in=locked).delete()
    return count
