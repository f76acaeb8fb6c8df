import math
from typing import Any, Literal, cast

from rest_framework import serializers

from agents.leases import Renewed
from agents.models import MAX_ID_LENGTH, MAX_NOTE_LENGTH
from agents.problems.details import encodable, field_errors
from agents.serializers.fields import AgentIdField
from agents.serializers.strict import StrictSerializer
from agents.states import State, Status
from agents.tokens.lease import MAX_LENGTH as MAX_LEASE_TOKEN_LENGTH

MAX_LEASES = 1_000  # in one call


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


class InvalidLease:
    def __init__(self, place: int, entry: Any, errors: dict[str, list[str]]) -> None:
        self.place, self.errors = place, errors
        agent_id = entry.get("agent_id") if isinstance(entry, dict) else None
        self.agent_id = encodable(agent_id[:MAX_ID_LENGTH]) if isinstance(agent_id, str) else None


class InvalidLeaseSerializer(serializers.Serializer[InvalidLease]):
    place = serializers.IntegerField(help_text="In the list of the call, from 0.")
    agent_id = serializers.CharField(allow_null=True, help_text="As it was sent, if it is text.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What is wrong with each field.",
    )


class LeaseSerializer(StrictSerializer):
    """One lease, in a call that renews many."""

    agent_id = AgentIdField()
    lease_token = serializers.CharField(
        max_length=MAX_LEASE_TOKEN_LENGTH, required=False, allow_blank=True, trim_whitespace=False
    )


class LeasesSerializer(serializers.ListSerializer[Any]):
    """A bad entry becomes an InvalidLease, and costs the others nothing."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or len(data) > MAX_LEASES:
            return super().to_internal_value(data)  # type: ignore[no-any-return]  # it raises
        return [self._lease(place, entry) for place, entry in enumerate(data)]

    def _lease(self, place: int, entry: Any) -> "tuple[str, str | None] | InvalidLease":
        try:
            lease = cast("LeaseSerializer", self.child).run_validation(entry)
        except serializers.ValidationError as error:
            return InvalidLease(place, entry, field_errors(error.detail))
        return lease["agent_id"], lease.get("lease_token")


class ManyHeartbeatsSerializer(StrictSerializer):
    """Heartbeats of many agents in one call."""

    agents: Any = LeasesSerializer(child=LeaseSerializer(), max_length=MAX_LEASES)


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
    invalid = InvalidLeaseSerializer(many=True, help_text="Entries of the call that are no leases.")
    throttled = serializers.ListField(
        child=serializers.CharField(), help_text="Agents that exceed the rate of heartbeats."
    )
    states = serializers.DictField(
        child=serializers.ChoiceField(choices=State.choices),
        help_text="The operator's state of the renewed agents that are not active.",
    )
