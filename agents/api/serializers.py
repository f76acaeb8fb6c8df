from typing import Any

from rest_framework import serializers

from agents.discovery.watch import Kind
from agents.serializers.agent import AgentSerializer


class DeregisteredSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["deleted"])
    agent_id = serializers.CharField()


class ChangeSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    cursor = serializers.CharField(help_text="A watch since then goes on after this change.")
    agent_id = serializers.CharField(required=False)
    agent = AgentSerializer(required=False, help_text="For ADDED and MODIFIED.")
    reason = serializers.CharField(required=False, help_text="For DELETED.")


class ChangesSerializer(serializers.Serializer[Any]):
    cursor = serializers.CharField(help_text="For the next call.")
    changes = ChangeSerializer(many=True)


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
