"""The A2A cards of agents that are alive."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery
from rest_framework import serializers

from agents.models import CARD_KEYS, CARD_MARKS, AgentCard, AgentRecord, card_in
from agents.serializers.a2a import Card
from agents.serializers.fields import AgentIdField

DEFAULT_LIMIT = 1_000


class CardsSerializer(serializers.Serializer[Any]):
    after = AgentIdField(
        default="", allow_blank=True, help_text="Only cards of agents behind this id."
    )
    limit = serializers.IntegerField(
        min_value=1,
        max_value=DEFAULT_LIMIT,
        default=DEFAULT_LIMIT,
        help_text="The cards of so many agents; a Link header leads to the rest.",
    )


def read_cards(after: str, limit: int) -> tuple[list[Card], str | None]:
    """Return cards of agents after an id, ordered by id, and the last id if there are more."""
    registered = AgentCard.objects.filter(
        agent_id=OuterRef("agent_id"), generation=OuterRef("generation")
    )
    has_card = Exists(registered) | Q(metadata__has_any_keys=[*CARD_KEYS, *CARD_MARKS])
    agents = AgentRecord.objects.alive().filter(has_card, pk__gt=after).order_by("pk")
    kept = Subquery(registered.values("card")[:1])
    rows = list(agents.annotate(card=kept).values_list("pk", "card", "metadata")[: limit + 1])
    page = rows[:limit]
    cards = [found for _, card, metadata in page if (found := card or card_in(metadata))]
    return cards, page[-1][0] if len(rows) > limit else None
