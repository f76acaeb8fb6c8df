"""The only description of an agent as JSON; `agent_sql` derives SQL from it."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.models import AgentRecord
from agents.querysets import read_at
from agents.serializers.fields import CardField, MetadataField
from agents.states import Probe
from agents.tokens.lease import issue


class AgentSerializer(serializers.ModelSerializer[AgentRecord]):
    """An agent, alive or not."""

    is_alive = serializers.SerializerMethodField(help_text="By the database's clock.")
    expires_at = serializers.DateTimeField(read_only=True)
    metadata = MetadataField(read_only=True)
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    skills = serializers.ListField(child=serializers.CharField(), read_only=True)
    probe = serializers.SerializerMethodField(
        help_text="What the registry finds when it calls the agent."
    )

    class Meta:
        model = AgentRecord
        fields = [
            "agent_id",
            "agent_name",
            "host",
            "port",
            "is_alive",
            "last_heartbeat",
            "registered_at",
            "ttl_seconds",
            "metadata",
            "expires_at",
            "version",
            "tags",
            "skills",
            "state",
            "status",
            "load",
            "note",
            "probe",
            "seen_address",
            "generation",
        ]
        read_only_fields = fields

    def get_is_alive(self, agent: AgentRecord) -> bool:
        return agent.is_alive(read_at(agent))

    @extend_schema_field(serializers.ChoiceField(choices=Probe.choices))
    def get_probe(self, agent: AgentRecord) -> str:
        """A new registration has not been probed."""
        return getattr(agent, "probe_verdict", Probe.NOT_PROBED.value)


class DetailedAgentSerializer(AgentSerializer):
    """The agent, and what it says it is."""

    agent_card = CardField(
        read_only=True, allow_null=True, help_text="The A2A card it registered with, if any."
    )

    class Meta(AgentSerializer.Meta):
        fields = [*AgentSerializer.Meta.fields, "agent_card"]
        read_only_fields = fields


class RegisteredAgentSerializer(AgentSerializer):
    """The agent, and what it needs for its heartbeats."""

    lease_token = serializers.SerializerMethodField(
        help_text="Send it as the header Lease-Token with heartbeats and when deregistering."
    )
    heartbeat_interval = serializers.FloatField(
        read_only=True, help_text="Seconds between two heartbeats that the registry asks for."
    )

    class Meta(AgentSerializer.Meta):
        fields = [*AgentSerializer.Meta.fields, "lease_token", "heartbeat_interval"]
        read_only_fields = fields

    def get_lease_token(self, agent: AgentRecord) -> str:
        return issue(agent.agent_id, agent.generation)


FIELDS = AgentSerializer.Meta.fields
