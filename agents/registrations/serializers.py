from rest_framework import serializers

from agents.models import (
    DEFAULT_TTL_SECONDS,
    MAX_NAME_LENGTH,
    MAX_PORT,
    MAX_TTL_SECONDS,
    MAX_VERSION_LENGTH,
)
from agents.serializers.fields import AgentIdField, CardField, HostField, MetadataField, NamesField
from agents.serializers.strict import StrictSerializer
from agents.states import Status


class RegistrationSerializer(StrictSerializer):
    """What an agent gives of itself when it registers."""

    agent_id = AgentIdField()
    agent_name = serializers.CharField(
        max_length=MAX_NAME_LENGTH, required=False, allow_blank=True, help_text="Default: the id."
    )
    host = HostField()
    port = serializers.IntegerField(min_value=1, max_value=MAX_PORT)
    ttl_seconds = serializers.IntegerField(
        min_value=1, max_value=MAX_TTL_SECONDS, default=DEFAULT_TTL_SECONDS
    )
    metadata = MetadataField(required=False, allow_null=True)
    version = serializers.CharField(max_length=MAX_VERSION_LENGTH, required=False, allow_blank=True)
    tags = NamesField(required=False)
    skills = NamesField(required=False)
    agent_card = CardField(
        required=False, help_text="The agent's A2A card; replaces what an earlier one said."
    )
    status = serializers.ChoiceField(choices=Status.choices, required=False)
