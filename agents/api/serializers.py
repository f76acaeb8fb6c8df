"""Responses of the API besides agents and heartbeats."""

from typing import Any

from rest_framework import serializers


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
