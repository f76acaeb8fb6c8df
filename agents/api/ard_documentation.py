from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema

from agents.api.ard_serializers import (
    AnnouncedSerializer,
    ArdProblemSerializer,
    CatalogSerializer,
    EntriesSerializer,
    FacetsSerializer,
    ResultsSerializer,
)
from agents.api.documentation import answers
from agents.discovery.cards import CardsSerializer
from agents.discovery.catalog.entries import CATALOG
from agents.discovery.catalog.manifest import ManifestSerializer
from agents.discovery.catalog.requests import (
    ExploreSerializer,
    ListingSerializer,
    SearchSerializer,
)
from agents.problems.details import MEDIA_TYPE as PROBLEM_JSON
from agents.registrations.announcements import AnnouncementSerializer
from agents.serializers.a2a import VERSIONS

CARDS = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}
WANTED_VERSION = OpenApiParameter(
    "A2A-Version",
    {"type": "string", "enum": [*VERSIONS]},
    OpenApiParameter.HEADER,
    description="Cards of the other version are converted into this one.",
)


def ard_answers(*problems: int, **shapes: Any) -> dict[Any, Any]:
    errors = {(status, PROBLEM_JSON): ArdProblemSerializer for status in (*problems, 503)}
    return answers(**shapes) | errors


search = extend_schema(
    operation_id="ard_search",
    summary="Agents by what they can do, the best first",
    description="ARD: searches ids, names, descriptions, skills and tags of agents and their cards "
    "for the words of the text, their other forms, and words that begin alike. A word that no "
    "agent has may have one wrong letter. Finds only agents that are alive.",
    request=SearchSerializer,
    responses=ard_answers(400, 401, 403, 411, 413, 415, _200=ResultsSerializer),
)
explore = extend_schema(
    operation_id="ard_explore",
    summary="How many agents have which values",
    description="ARD: counts all agents that a search for the same query finds.",
    request=ExploreSerializer,
    responses=ard_answers(400, 401, 403, 411, 413, 415, _200=FacetsSerializer),
)
entries = extend_schema(
    operation_id="ard_agents",
    summary="The agents that are alive, as catalog entries",
    description="ARD: filtered, sorted, and in pages.",
    parameters=[ListingSerializer],
    responses=ard_answers(400, 401, 403, _200=EntriesSerializer),
    filters=False,
)
catalog = extend_schema(
    operation_id="ai_catalog",
    summary="The agents that are alive, as an AI Catalog",
    description="Its first entry is the registry, with the base address of ARD. A large fleet "
    "is in nested catalogs, whose addresses are in the entries.",
    parameters=[ManifestSerializer],
    responses=answers(401, 403, 422) | {(200, CATALOG): CatalogSerializer},
    filters=False,
)
cards = extend_schema(
    operation_id="agent_cards",
    summary="The A2A cards of agents that are alive",
    description="As registered, sorted by agent id. Agents without a card are left out.",
    parameters=[CardsSerializer, WANTED_VERSION],
    responses=answers(401, 403, 422) | {(200, "application/json"): CARDS},
    filters=False,
)
announce = extend_schema(
    operation_id="announce_agent",
    summary="Register by a card, or renew the lease",
    description="For agents that send their card again and again, as the client of "
    "oo-a2a-registry does. The first address in the card identifies the agent. Retry-After: "
    "the seconds until the next call.",
    request=AnnouncementSerializer,
    responses=answers(400, 401, 403, 409, 411, 413, 415, 422, _202=AnnouncedSerializer),
)
