from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from agents.querysets import AgentQuerySet
from agents.serializers.cached import validate
from agents.serializers.fields import MAX_NAME_IN_LIST_LENGTH
from agents.states import State, Status

MAX_SEARCH_LENGTH = 256


class NameFiltersField(serializers.ListField):
    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=MAX_NAME_IN_LIST_LENGTH, allow_blank=True)
        super().__init__(child=child, default=[], **options)

    def to_internal_value(self, data: Any) -> list[str]:
        return [name for name in super().to_internal_value(data) if name]


class FiltersSerializer(serializers.Serializer[Any]):
    include_dead = serializers.BooleanField(
        default=False, help_text="Also the agents that have expired and are not purged yet."
    )
    tag = NameFiltersField(
        help_text="Only agents with this tag; given several times, with all of them.",
    )
    skill = NameFiltersField(
        help_text="Only agents with this skill; given several times, with all of them.",
    )
    status = serializers.ChoiceField(
        choices=Status.choices, required=False, help_text="The agent's own report."
    )
    state = serializers.ChoiceField(
        choices=State.choices, required=False, help_text="Set by an operator."
    )
    search = serializers.CharField(
        max_length=MAX_SEARCH_LENGTH,
        required=False,
        help_text="Text in the id, the name or the host.",
    )


def filter_agents(agents: AgentQuerySet, parameters: Mapping[str, Any]) -> AgentQuerySet:
    """Raise ValidationError."""
    filters = validate(FiltersSerializer, parameters)
    agents = agents.with_tags(filters["tag"]).with_skills(filters["skill"])
    if not filters["include_dead"]:
        agents = agents.alive()
    if "search" in filters:
        agents = agents.search(filters["search"])
    return agents.filter(**{name: filters[name] for name in ("status", "state") if name in filters})
