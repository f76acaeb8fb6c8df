from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from agents.discovery.fields import MetadataValuesField, RepeatableField, SwitchField
from agents.discovery.filters import FILTERS, Filters
from agents.discovery.metadata import PREFIX, MetadataKeyField
from agents.querysets import AgentQuerySet
from agents.serializers.cached import validate
from agents.serializers.strict import MAX_SHOWN_LENGTH
from agents.states import Lease

MAX_METADATA_KEYS = 16


class FiltersSerializer(serializers.Serializer[Any]):
    prefixes = (PREFIX,)

    def get_fields(self) -> dict[str, Any]:
        fields = {
            one.name: RepeatableField(child=deepcopy(one.field), help_text=one.help_text)
            for one in FILTERS
        }
        return {**fields, **super().get_fields()}


class ListedAgentsSerializer(FiltersSerializer):
    include_dead = SwitchField(
        help_text="Also the agents that have expired and are not purged yet. By default only if "
        "`condition=expired` asks for them.",
    )


def read_filters(parameters: QueryDict) -> Filters:
    """Ignore other parameters. Raise ValidationError."""
    values = validate(FiltersSerializer, parameters)
    return Filters(values, _read_metadata(parameters))


def filter_agents(agents: AgentQuerySet, parameters: QueryDict) -> AgentQuerySet:
    """Keep what a listing with these parameters shows. Raise ValidationError."""
    given = validate(ListedAgentsSerializer, parameters)
    includes_dead = given.get("include_dead", Lease.EXPIRED in given["condition"])
    filters = Filters(given, _read_metadata(parameters))
    return filters.apply(agents if includes_dead else agents.alive())


def _read_metadata(parameters: QueryDict) -> dict[str, list[str]]:
    names = [name for name in parameters if is_metadata_filter(name)]
    if len(names) > MAX_METADATA_KEYS:
        text = f"At most {MAX_METADATA_KEYS} keys."
        raise serializers.ValidationError({f"{PREFIX}KEY": [text]})
    found = {name: _read_texts(name, parameters.getlist(name)) for name in names}
    return {name.removeprefix(PREFIX): texts for name, texts in found.items() if texts}


def _read_texts(name: str, texts: Iterable[str]) -> list[str]:
    try:
        MetadataKeyField().run_validation(name.removeprefix(PREFIX))
        values: list[str] = MetadataValuesField().run_validation(texts)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({name[:MAX_SHOWN_LENGTH]: error.detail}) from error
    return values


def is_metadata_filter(name: str) -> bool:
    return name.startswith(PREFIX) and name != PREFIX


def problem_with_metadata(name: str, text: str) -> str:
    """Return why no agent can match a text under ``meta.KEY``, or ""."""
    try:
        _read_texts(name, [text])
    except serializers.ValidationError as error:
        return " ".join(map(str, error.detail[name[:MAX_SHOWN_LENGTH]]))  # type: ignore[call-overload]
    return ""
