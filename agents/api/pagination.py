from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.discovery.pages import PageQuery, read_page_query


class AgentPagination(BasePagination):
    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> Any:
        query = read_page_query(request.query_params)
        page, next_after = query.read_records(queryset)
        self.link = link_to_next(request, query, next_after) if next_after else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response(data, headers={"Link": self.link} if self.link else None)


def link_to_next(request: Request, query: PageQuery, after: tuple[Any, ...]) -> str:
    return next_link(request, cursor=query.cursor(after))


def next_link(request: Request, **changes: str) -> str:
    """Return a Link header, relative since a proxy may serve another host name.

    `changes`: parameters of this call that the next page has otherwise.
    """
    parameters = request.query_params.copy()
    for name, value in changes.items():
        parameters[name] = value
    return f'<{request.path}?{parameters.urlencode()}>; rel="next"'
