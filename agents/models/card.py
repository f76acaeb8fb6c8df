from collections.abc import Mapping
from typing import Any

from django.db import models

from agents.models.limits import MAX_ID_LENGTH

CARD_KEYS = ("agent_card", "agentCard", "card")
# Metadata with one of these is itself a card.
CARD_MARKS = ("supportedInterfaces", "protocolVersion", "defaultInputModes")


class AgentCard(models.Model):
    """Apart from its agent, since heartbeats would rewrite it.

    It belongs to one generation. Only `agents.leases` writes it.
    """

    agent_id = models.CharField(primary_key=True, max_length=MAX_ID_LENGTH)
    generation = models.BigIntegerField(help_text="Of the registration that sent it.")
    card = models.JSONField()

    class Meta:
        verbose_name = "agent card"

    def __str__(self) -> str:
        return f"card of {self.agent_id}"


def card_in(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the card that came within the metadata, if any."""
    for key in CARD_KEYS:
        value = metadata.get(key)
        if isinstance(value, dict) and value:
            return value
    return metadata if any(mark in metadata for mark in CARD_MARKS) else None
