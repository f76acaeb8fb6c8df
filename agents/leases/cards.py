from collections.abc import Iterable, Mapping
from typing import Any

from agents.leases.upsert import Registration
from agents.models import AgentCard, AgentRecord


def save_cards(registered: Iterable[tuple[Registration, Mapping[str, Any]]]) -> None:
    """Call it in the transaction of the registrations: their locks order the cards too."""
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
