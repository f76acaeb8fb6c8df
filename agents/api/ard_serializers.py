"""Responses of ARD, AI Catalog and A2A, for the OpenAPI document. Names are the specifications'."""

from typing import Any

from rest_framework import serializers

from agents.api.serializers import ProblemSerializer
from agents.discovery.catalog.requests import FEDERATIONS
from agents.serializers.fields import MetadataField

SCORE = "How much of the text the agent is about, 0 to 100. It says nothing about trust."


class EntrySerializer(serializers.Serializer[Any]):
    """A catalog entry, of an agent that is alive or of a catalog."""

    identifier = serializers.RegexField(r"^urn:air:[a-zA-Z0-9.-]+(:[a-zA-Z0-9._-]+)+$")
    displayName = serializers.CharField()  # noqa: N815
    type = serializers.CharField()
    mediaType = serializers.CharField()  # noqa: N815
    url = serializers.URLField(help_text="Of the A2A card, or of the catalog.")
    description = serializers.CharField(required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    capabilities = serializers.ListField(child=serializers.CharField(), required=False)
    representativeQueries = serializers.ListField(  # noqa: N815
        child=serializers.CharField(), required=False
    )
    version = serializers.CharField(required=False)
    updatedAt = serializers.DateTimeField(required=False)  # noqa: N815
    metadata = MetadataField(
        required=False,
        help_text="The lease and the reports of an agent, and its metadata that are no lists or "
        "objects.",
    )


class HostSerializer(serializers.Serializer[Any]):
    displayName = serializers.CharField()  # noqa: N815
    identifier = serializers.CharField()
    documentationUrl = serializers.URLField()  # noqa: N815


class CatalogSerializer(serializers.Serializer[Any]):
    specVersion = serializers.ChoiceField(choices=["1.0"])  # noqa: N815
    host = HostSerializer()
    entries = EntrySerializer(many=True)


class ResultSerializer(EntrySerializer):
    score = serializers.IntegerField(min_value=0, max_value=100, help_text=SCORE)
    source = serializers.URLField()  # type: ignore[assignment]  # a field's name, here


class ResultsSerializer(serializers.Serializer[Any]):
    results = ResultSerializer(many=True)
    referrals = EntrySerializer(
        many=True, required=False, help_text=f"Empty, with federation `{FEDERATIONS[1]}`."
    )
    pageToken = serializers.CharField(required=False)  # noqa: N815


class BucketSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    count = serializers.IntegerField()


class BucketsSerializer(serializers.Serializer[Any]):
    buckets = BucketSerializer(many=True)
    otherCount = serializers.IntegerField()  # noqa: N815


class FacetsSerializer(serializers.Serializer[Any]):
    resultType = serializers.ChoiceField(choices=["facets"])  # noqa: N815
    facets = serializers.DictField(child=BucketsSerializer())


class EntriesSerializer(serializers.Serializer[Any]):
    items = EntrySerializer(many=True)
    total = serializers.IntegerField()
    pageToken = serializers.CharField(required=False)  # noqa: N815


class ArdProblemSerializer(ProblemSerializer):
    """An error by RFC 9457, and by ARD."""

    errorCode = serializers.CharField()  # noqa: N815
    message = serializers.CharField()


class AnnouncedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="`ok`.")
    verified = serializers.BooleanField(help_text="Whether the agent is listed.")
