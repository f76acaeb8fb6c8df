"""Requests of ARD, sections 7.1 to 7.4."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from agents.discovery.catalog.expressions import InvalidExpression, filter_by
from agents.discovery.catalog.fields import MAX_VALUE_LENGTH, FilterField
from agents.discovery.catalog.paths import Counts, UnknownPath, path_of
from agents.discovery.search import Search
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet
from agents.serializers.strict import StrictSerializer

FEDERATIONS = ("auto", "referrals", "none")
MAX_TEXT_LENGTH = 2_000
MAX_FACETS, MAX_BUCKETS = 16, 1_000
MAX_PAGE, DEFAULT_PAGE, DEFAULT_LIST_PAGE = 100, 10, 20
MAX_TOKEN_LENGTH, MAX_EXPRESSION_LENGTH, MAX_ORDER_LENGTH = 4_096, 4_000, 256
NOT_COUNTED = "Agents are not counted by this."


class QuerySerializer(StrictSerializer):
    text = serializers.CharField(
        required=False, max_length=MAX_TEXT_LENGTH, help_text="What the agent should do."
    )
    filter = FilterField(
        required=False,
        help_text="Values by path into the entry. All paths must match, by one of their values.",
    )


class SearchQuerySerializer(QuerySerializer):
    text = serializers.CharField(max_length=MAX_TEXT_LENGTH, help_text="What the agent should do.")


class SearchSerializer(StrictSerializer):
    query = SearchQuerySerializer()
    federation = serializers.ChoiceField(
        choices=FEDERATIONS,
        default="auto",
        help_text="This registry knows no others: it always searches its own agents.",
    )
    pageSize = serializers.IntegerField(  # noqa: N815 - the specification's name
        min_value=1, max_value=MAX_PAGE, default=DEFAULT_PAGE
    )
    pageToken = serializers.CharField(  # noqa: N815
        required=False, max_length=MAX_TOKEN_LENGTH, help_text="From the previous page."
    )


class FacetSerializer(StrictSerializer):
    field = serializers.CharField(max_length=MAX_VALUE_LENGTH, help_text="A path into the entry.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_BUCKETS, default=20)
    minCount = serializers.IntegerField(  # noqa: N815
        min_value=1, max_value=2**31 - 1, default=1
    )

    def validate_field(self, name: str) -> str:
        if countable(name) is None:
            raise serializers.ValidationError(NOT_COUNTED)
        return name


class ResultTypeSerializer(StrictSerializer):
    facets = FacetSerializer(
        many=True,
        allow_empty=False,
        max_length=MAX_FACETS,  # type: ignore[call-arg]  # of the list
    )


class ExploreSerializer(StrictSerializer):
    query = QuerySerializer(required=False)
    resultType = ResultTypeSerializer()  # noqa: N815


class ListingSerializer(serializers.Serializer[Any]):
    filter = serializers.CharField(
        required=False,
        max_length=MAX_EXPRESSION_LENGTH,
        help_text="Conditions joined by AND, such as "
        "`tags = 'eu' AND createdAfter > '2026-01-31'`.",
    )
    orderBy = serializers.CharField(  # noqa: N815
        required=False,
        max_length=MAX_ORDER_LENGTH,
        help_text="Fields separated by commas, each with or without DESC: `displayName`, "
        "`identifier` (the default), `createdAt`, `updatedAt`.",
    )
    pageSize = serializers.IntegerField(  # noqa: N815
        min_value=1, max_value=MAX_PAGE, default=DEFAULT_LIST_PAGE
    )
    pageToken = serializers.CharField(  # noqa: N815
        required=False, max_length=MAX_TOKEN_LENGTH, help_text="From the previous page."
    )


def matching(query: Mapping[str, Any]) -> AgentQuerySet:
    """Return the living agents that match a query's filter."""
    agents: AgentQuerySet = AgentRecord.objects.alive()
    for name, values in query.get("filter", {}).items():
        agents = path_of(name).narrow(agents, values)
    return agents


def found(query: Mapping[str, Any]) -> AgentQuerySet:
    """Return those that match its text, too."""
    agents = matching(query)
    return Search(agents, query["text"]).matching() if "text" in query else agents


def matching_expression(expression: str | None) -> AgentQuerySet:
    """Raise ValidationError."""
    agents: AgentQuerySet = AgentRecord.objects.alive()
    try:
        return agents if expression is None else filter_by(agents, expression)
    except InvalidExpression as error:
        raise serializers.ValidationError({"filter": [str(error)]}) from error


def countable(name: str) -> Counts | None:
    """Return how agents are counted by a path, if they are."""
    try:
        return path_of(name).counts
    except UnknownPath:
        return None
