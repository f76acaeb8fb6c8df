from typing import Any

from rest_framework import serializers

from agents.history.feed import Cursor
from agents.models import AgentEvent


class EventSerializer(serializers.ModelSerializer[AgentEvent]):
    cursor = serializers.SerializerMethodField(
        help_text="Its place in the history: a watch since this cursor has what came after it."
    )

    class Meta:
        model = AgentEvent
        fields = (
            "cursor",
            "agent_id",
            "kind",
            "at",
            "actor",
            "reason",
            "address",
            "generation",
            "record",
        )
        read_only_fields = fields
        extra_kwargs: dict[str, dict[str, Any]] = {
            "agent_id": {"help_text": "Empty if the event concerns the registry."},
        }

    def get_cursor(self, event: AgentEvent) -> str:
        return str(Cursor(event.pk))
