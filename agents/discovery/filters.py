"""Defines all filters, for the API and the admin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from agents.conditions import WORDS, condition_word
from agents.discovery.fields import NameField, VersionField
from agents.discovery.metadata import has_value
from agents.models import MAX_HOST_LENGTH, MAX_NAME_LENGTH
from agents.querysets import AgentQuerySet
from agents.serializers.fields import MAX_NAME_IN_LIST_LENGTH
from agents.states import State, Status

Field = serializers.Field[Any, Any, Any, Any]
Narrow = Callable[[AgentQuerySet, Sequence[Any]], AgentQuerySet]

MAX_SEARCH_LENGTH = 256
MAX_RANGE_LENGTH = 256
MAX_VERSIONS = 10_000


@dataclass(frozen=True)
class Filter:
    """`title`, `text`: for people. `field` checks one value.

    `narrow` keeps agents that match all values if `needs_all`, otherwise any.
    """

    name: str
    title: str
    text: str
    field: Field
    narrow: Narrow
    needs_all: bool = False

    @property
    def help_text(self) -> str:
        several = "with all of them" if self.needs_all else "with any of them"
        return f"Only agents with {self.text}; given several times, {several}."

    def apply(self, agents: AgentQuerySet, values: Sequence[str]) -> AgentQuerySet:
        """Raise ValidationError."""
        return self.narrow(agents, [self.field.run_validation(value) for value in values])

    def problem(self, value: str) -> str:
        try:
            self.field.run_validation(value)
        except serializers.ValidationError as error:
            return " ".join(map(str, error.detail))
        return ""


@dataclass(frozen=True)
class Filters:
    values: Mapping[str, Sequence[Any]]
    metadata: Mapping[str, Sequence[str]]

    def apply(self, agents: AgentQuerySet) -> AgentQuerySet:
        """Keep agents that match all filters.

        Raise ValidationError if a range of versions has to compare too many.
        """
        for key, texts in self.metadata.items():
            agents = agents.filter(has_value(key, texts))
        for one in FILTERS:
            if values := self.values.get(one.name):
                agents = one.narrow(agents, values)
        return agents


def _text(max_length: int) -> Field:
    return serializers.CharField(max_length=max_length)


def _any_of(column: str) -> Narrow:
    return lambda agents, values: agents.filter(**{f"{column}__in": values})


def _with_condition(agents: AgentQuerySet, words: Sequence[str]) -> AgentQuerySet:
    return agents.alias(condition=condition_word()).filter(condition__in=words)


def _with_version(agents: AgentQuerySet, wanted: Sequence[Any]) -> AgentQuerySet:
    exact = [value for value in wanted if isinstance(value, str)]
    ranges = [value for value in wanted if not isinstance(value, str)]
    if not ranges:
        return agents.filter(version__in=exact)
    found = agents.order_by().values_list("version", flat=True).distinct()
    versions: list[str] = list(found[: MAX_VERSIONS + 1])
    if len(versions) > MAX_VERSIONS:
        text = f"These agents have more than {MAX_VERSIONS:,} versions. Filter them further."
        raise serializers.ValidationError({"version": [text]})
    in_range = [text for text in versions if any(one.contains(text) for one in ranges)]
    return agents.filter(version__in=[*exact, *in_range])


def _search(agents: AgentQuerySet, texts: Sequence[str]) -> AgentQuerySet:
    for text in texts:
        agents = agents.search(text)
    return agents


# Last, since ranges query the agents that match the other filters.
FILTERS = [
    Filter(
        "tag",
        "tag",
        "this tag",
        _text(MAX_NAME_IN_LIST_LENGTH),
        AgentQuerySet.with_tags,
        needs_all=True,
    ),
    Filter(
        "skill",
        "skill",
        "this skill",
        _text(MAX_NAME_IN_LIST_LENGTH),
        AgentQuerySet.with_skills,
        needs_all=True,
    ),
    Filter("name", "name", "exactly this name", _text(MAX_NAME_LENGTH), _any_of("agent_name")),
    Filter("host", "host", "exactly this host", _text(MAX_HOST_LENGTH), _any_of("host")),
    Filter(
        "status",
        "reported status",
        "this report of their own",
        NameField(Status.choices),
        _any_of("status"),
    ),
    Filter(
        "state",
        "operator state",
        "this state, set by an operator",
        NameField(State.choices),
        _any_of("state"),
    ),
    Filter(
        "condition",
        "condition",
        "this condition, the worst of their lease, state, report and probe",
        NameField(WORDS),
        _with_condition,
    ),
    Filter(
        "search",
        "search",
        "this text in their id, name or host",
        _text(MAX_SEARCH_LENGTH),
        _search,
        needs_all=True,
    ),
    Filter(
        "version",
        "version",
        "this version, or one in a range such as `>=1.2,<2` (PEP 440, or Semantic Versioning)",
        VersionField(max_length=MAX_RANGE_LENGTH),
        _with_version,
    ),
]
BY_NAME = {one.name: one for one in FILTERS}
