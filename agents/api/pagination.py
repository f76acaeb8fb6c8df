"""Each page starts after the last id of the previous one, so that no agent is skipped."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.models import AgentRecord
from agents.serializers.cached import validate

DEFAULT_LIMIT = 1_000
MAX_LIMIT = 10_000


class CursorField(serializers.CharField):
    """An id, encoded so that clients treat it as opaque."""

    default_error_messages = {
        "invalid_cursor": "Take it from the Link header of the previous page."
    }

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            return base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, UnicodeError):
            self.fail("invalid_cursor")


class PageQuerySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text="At most this many agents; a Link header leads to the rest.",
    )
    cursor = CursorField(
        required=False, max_length=512, help_text="From the Link header of the previous page."
    )


@dataclass(frozen=True)
class PageQuery:
    """`after`: the id to start after; None for the first page."""

    limit: int
    after: str | None

    def after_cursor(self, agents: Any) -> Any:
        return agents.filter(pk__gt=self.after) if self.after else agents


def read_page_query(request: Request) -> PageQuery:
    """Raise ValidationError."""
    query = validate(PageQuerySerializer, request.query_params)
    return PageQuery(query["limit"], query.get("cursor"))


class AgentPagination(BasePagination):
    """Pages are bare lists, ordered by id, with a Link header to the next one."""

    display_page_controls = False

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> Any:
        query = read_page_query(request)
        found = query.after_cursor(queryset).order_by("pk")[: query.limit + 1]
        agents: list[AgentRecord] = list(found)
        page = agents[: query.limit]
        self.link = link_to_next(request, page[-1].pk) if len(agents) > query.limit else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response(data, headers={"Link": self.link} if self.link else None)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema

    def get_results(self, data: Any) -> Any:
        return data


def link_to_next(request: Request, last: str) -> str:
    """Return a Link header, relative since a proxy may serve another host name."""
    query = request.query_params.copy()
    query["cursor"] = base64.urlsafe_b64encode(last.encode()).decode()
    return f'<{request.path}?{query.urlencode()}>; rel="next"'
