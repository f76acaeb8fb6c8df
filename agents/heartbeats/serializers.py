"""What heartbeats look like, in the API's terms: requests and answers."""

import math
from typing import Any, Literal

from rest_framework import serializers

from agents.leases import Renewed
from agents.models import MAX_NOTE_LENGTH
from agents.serializers.fields import AgentIdField
from agents.serializers.strict import StrictSerializer
from agents.states import State, Status
from agents.tokens.lease import MAX_LENGTH as MAX_LEASE_TOKEN_LENGTH

# Leases in one call.
MAX_LEASES = 1_000


class HeartbeatSerializer(StrictSerializer):
    """What an agent may report with a heartbeat; fields that it leaves out keep their value."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
    load = serializers.FloatField(
        min_value=0, max_value=1, required=False, help_text="0 (idle) to 1."
    )
    note = serializers.CharField(max_length=MAX_NOTE_LENGTH, required=False, allow_blank=True)

    def validate_load(self, load: float) -> float:
        if not math.isfinite(load):
            raise serializers.ValidationError("A valid number is required.")
        return load


class LeaseSerializer(StrictSerializer):
    """One lease, in a call that renews many."""

    agent_id = AgentIdField()
    lease_token = serializers.CharField(
        max_length=MAX_LEASE_TOKEN_LENGTH, required=False, allow_blank=True, trim_whitespace=False
    )


class ManyHeartbeatsSerializer(StrictSerializer):
    """Heartbeats of many agents in one call."""

    agents: Any = serializers.ListSerializer(child=LeaseSerializer(), max_length=MAX_LEASES)


class RenewedSerializer(serializers.Serializer[Renewed]):
    """The answer to a heartbeat."""

    status = serializers.SerializerMethodField()
    last_heartbeat = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    heartbeat_interval = serializers.FloatField()
    state = serializers.ChoiceField(choices=State.choices)

    def get_status(self, _renewed: Renewed) -> Literal["ok"]:
        return "ok"


class ManyRenewedSerializer(serializers.Serializer[Any]):
    """The answer to heartbeats of many agents."""

    renewed = serializers.IntegerField(help_text="How many leases were renewed.")
    unknown = serializers.ListField(
        child=serializers.CharField(), help_text="Agents that have to register (again)."
    )
    refused = serializers.ListField(
        child=serializers.CharField(),
        help_text="Agents whose lease token is missing, wrong, or of an older registration.",
    )
    throttled = serializers.ListField(
        child=serializers.CharField(), help_text="Agents that exceed the rate of heartbeats."
    )
    states = serializers.DictField(
        child=serializers.ChoiceField(choices=State.choices),
        help_text="The operator's state of the renewed agents that are not active.",
    )
