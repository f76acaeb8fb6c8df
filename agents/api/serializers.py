"""The shapes of what the API takes and gives."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from rest_framework import serializers

from agents.api.fields import AgentIdField, HostField, MetadataField
from agents.api.many_heartbeats import MAX_AGENTS
from agents.leases import Renewed
from agents.models import (
    DEFAULT_TTL_SECONDS,
    MAX_NAME_LENGTH,
    MAX_NOTE_LENGTH,
    MAX_PORT,
    MAX_TTL_SECONDS,
    MAX_VERSION_LENGTH,
    AgentRecord,
)
from agents.states import State, Status
from agents.tokens.lease import issue

MAX_LEASE_TOKEN_LENGTH = 255
MAX_LISTED = 64
MAX_LISTED_LENGTH = 64
NO_SUCH_FIELD = "There is no such field."
# An answer names this many unknown fields; the caller will see the pattern.
MOST_NAMED = 10


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields by name: a misspelt one would otherwise be lost without a word."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        errors: dict[str, Any] = {name[:80]: [NO_SUCH_FIELD] for name in unknown[:MOST_NAMED]}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail | errors) from error  # type: ignore[operator]  # a dict, from here
        if errors:
            raise serializers.ValidationError(errors)
        return value


class NamesField(serializers.ListField):
    """A list of short names; one that comes twice is kept once."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=MAX_LISTED_LENGTH)
        super().__init__(child=child, max_length=MAX_LISTED, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class RegistrationSerializer(StrictSerializer):
    """What an agent says of itself when it registers."""

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
    status = serializers.ChoiceField(choices=Status.choices, required=False)


class HeartbeatSerializer(StrictSerializer):
    """What an agent may say of itself with a heartbeat; what it leaves out stays as it was."""

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
    """One lease to renew, in a call that renews many."""

    agent_id = AgentIdField()
    lease_token = serializers.CharField(
        max_length=MAX_LEASE_TOKEN_LENGTH, required=False, allow_blank=True, trim_whitespace=False
    )


class ManyHeartbeatsSerializer(StrictSerializer):
    """Heartbeats of many agents at once."""

    agents: Any = serializers.ListSerializer(child=LeaseSerializer(), max_length=MAX_AGENTS)


class AgentSerializer(serializers.ModelSerializer[AgentRecord]):
    """An agent. It takes records of `AgentQuerySet.with_read_at`."""

    is_alive = serializers.SerializerMethodField(help_text="By the database's clock.")
    expires_at = serializers.DateTimeField(read_only=True)
    metadata = MetadataField(read_only=True)
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    skills = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = AgentRecord
        fields = [
            *("agent_id", "agent_name", "host", "port", "is_alive", "last_heartbeat"),
            *("registered_at", "ttl_seconds", "metadata", "expires_at", "version", "tags"),
            *("skills", "state", "status", "load", "note", "seen_address", "generation"),
        ]
        read_only_fields = fields

    def get_is_alive(self, agent: AgentRecord) -> bool:
        now = getattr(agent, "read_at")  # noqa: B009 - mypy knows no annotations
        return agent.is_alive(now)


class RegisteredAgentSerializer(AgentSerializer):
    """The answer to a registration: the agent, and what it needs for its heartbeats."""

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
        child=serializers.CharField(), help_text="Agents that were renewed too often just before."
    )
    states = serializers.DictField(
        child=serializers.ChoiceField(choices=State.choices),
        help_text="The operator's word on those of the renewed that are not active.",
    )


class DeregisteredSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["deleted"])
    agent_id = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, by RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]  # a field's name, here
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="The fields that are wrong, and what is wrong with each.",
    )


class WantedNamesField(serializers.ListField):
    """Names to look for; an empty one asks for nothing."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=MAX_LISTED_LENGTH, allow_blank=True)
        super().__init__(child=child, default=[], **options)

    def to_internal_value(self, data: Any) -> list[str]:
        return [name for name in super().to_internal_value(data) if name]


class ListingQuerySerializer(serializers.Serializer[Any]):
    """The parameters of the listing."""

    include_dead = serializers.BooleanField(
        default=False, help_text="Also the agents that have expired and are not purged yet."
    )
    tag = WantedNamesField(
        help_text="Only agents with this tag; given several times, with all of them.",
    )
    skill = WantedNamesField(
        help_text="Only agents with this skill; given several times, with all of them.",
    )
    status = serializers.ChoiceField(
        choices=Status.choices, required=False, help_text="By the agent's own word."
    )
    state = serializers.ChoiceField(
        choices=State.choices, required=False, help_text="By the operator's word."
    )
    search = serializers.CharField(
        max_length=256, required=False, help_text="Text in the id, the name or the host."
    )


def told(kind: type[serializers.Serializer[Any]], instance: Any) -> dict[str, Any]:
    """Return what a serializer of this kind says of an object, for a tenth of its time.

    The object has the values of its fields as they are told, or methods of the serializer make
    them; but for times.
    """
    return {name: read(instance) for name, read in _readers(kind)}


@cache
def _readers(
    kind: type[serializers.Serializer[Any]],
) -> list[tuple[str, Callable[[Any], Any]]]:
    serializer = kind()
    return [(name, _reader(serializer, field)) for name, field in serializer.fields.items()]


def _reader(
    serializer: serializers.Serializer[Any], field: serializers.Field[Any, Any, Any, Any]
) -> Callable[[Any], Any]:
    if isinstance(field, serializers.SerializerMethodField):
        read: Callable[[Any], Any] = getattr(serializer, field.method_name)
        return read
    get = attrgetter(str(field.source))
    is_time = isinstance(field, serializers.DateTimeField)
    return (lambda instance: _time(get(instance))) if is_time else get


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
