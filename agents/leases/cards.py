from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Exists, OuterRef

from agents.leases.upsert import Registration
from agents.models import AgentCard, AgentRecord

BATCH_SIZE = 1000


def save_cards(registered: Iterable[tuple[Registration, Mapping[str, Any]]]) -> None:
    """In the transaction of the registrations, whose locks order the cards too."""
    AgentCard.objects.bulk_create(
        [
            AgentCard(
                agent_id=registration.agent.agent_id,
                generation=registration.agent.generation,
                card=dict(card),
            )
            for registration, card in registered
        ],
        update_conflicts=True,
        unique_fields=["agent_id"],
        update_fields=["generation", "card"],
    )


def card_of(agent_id: str) -> dict[str, Any] | None:
    current = AgentRecord.objects.filter(agent_id=agent_id).values("generation")
    card: dict[str, Any] | None = (
        AgentCard.objects.filter(agent_id=agent_id, generation__in=current)
        .values_list("card", flat=True)
        .first()
    )
    return card


def delete_unused_cards(batch_size: int = BATCH_SIZE) -> int:
    """Keep only the cards of agents' last registrations."""
    current = AgentRecord.objects.filter(
        agent_id=OuterRef("agent_id"), generation=OuterRef("generation")
    )
    unused = AgentCard.objects.filter(~Exists(current))
    deleted = 0
    while True:
        batch = list(unused.values_list("agent_id", flat=True)[:batch_size])
        # Again, as an agent may have registered since.
        count, _ = unused.filter(agent_id__in=batch).delete()
        deleted += count
        if count < batch_size:
            return deleted
