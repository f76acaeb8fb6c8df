"""All agents that match the list's filters, as a file.

Streamed in pages by id: no transaction stays open, and no agent appears twice.
"""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils import timezone

from agents.actors import staff
from agents.admin.agents.listing.changelist import MatchingAgents
from agents.admin.widgets.csv_lines import cell, lines
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet
from agents.serializers.agent import FIELDS
from agents.serializers.agent_page import read_page

logger = logging.getLogger("agents.export")

PAGE = 100


def as_json(pages: Iterator[str]) -> Iterator[str]:
    yield "["
    for number, page in enumerate(pages):
        yield f",\n{page}" if number else page
    yield "]\n"


def as_csv(pages: Iterator[str]) -> Iterator[str]:
    """Yield a header of the API's names, then a line for each agent."""
    yield lines([FIELDS])
    for page in pages:
        yield lines([cell(agent[name]) for name in FIELDS] for agent in _agents(page))


def _agents(page: str) -> Iterator[dict[str, Any]]:
    """Parse one agent at a time: a page of parsed agents is large."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(page):
        agent, at = decoder.raw_decode(page, at)
        yield agent
        at += 1  # the comma


FORMATS: dict[str, tuple[str, Callable[[Iterator[str]], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
}


class Exports(ModelAdmin[AgentRecord]):
    def export(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        try:
            matching = self._matching(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(
                reverse("admin:agents_agentrecord_changelist", query={"e": 1})
            )
        content_type, write = FORMATS[kind]
        asked = request.META.get("QUERY_STRING", "")
        logger.info("%s exports agents as %s: %r", staff(request.user), kind, asked)
        answer = StreamingHttpResponse(write(_pages(matching)), content_type=content_type)
        name = f"agents-{timezone.localdate()}.{kind}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _matching(self, request: HttpRequest) -> AgentQuerySet:
        changelist = MatchingAgents(
            request,
            self.model,
            *(self.get_list_display(request), self.list_display_links, self.list_filter),
            *(self.date_hierarchy, self.search_fields, self.list_select_related),
            *(self.list_per_page, self.list_max_show_all, self.list_editable, self),
            *(self.sortable_by, self.search_help_text),
        )
        return cast("AgentQuerySet", changelist.queryset)


def _pages(agents: AgentQuerySet) -> Iterator[str]:
    # An empty query has no SQL for `read_page` to run.
    after: str | None = None if agents.query.is_empty() else ""
    while after is not None:
        page = read_page(agents.filter(pk__gt=after), PAGE)
        after = page.next_after
        if page.body:
            yield page.body
