"""Exports read pages by id: no transaction stays open, and no agent appears twice."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, JSONField
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
from agents.admin.agents.listing.matching import Matching
from agents.admin.widgets.csv_lines import column, lines
from agents.querysets import AgentQuerySet
from agents.serializers.agent import FIELDS
from agents.serializers.agent_cells import read_cells
from agents.serializers.agent_page import read_page
from agents.serializers.agent_sql import field_of

logger = logging.getLogger("agents.export")

PAGE = 100
DOCUMENTS = {name for name in FIELDS if isinstance(field_of(name), JSONField)}
TEXTS = {name for name in FIELDS if isinstance(field_of(name), CharField)}


def as_json(agents: AgentQuerySet) -> Iterator[str]:
    yield "["
    separator = ""
    after: str | None = None if agents.query.is_empty() else ""
    while after is not None:
        page = read_page(agents.filter(pk__gt=after), PAGE)
        after = page.next_after[0] if page.next_after else None
        if page.body:
            yield f"{separator}{page.body}"
            separator = ",\n"
    yield "]\n"


def as_csv(agents: AgentQuerySet) -> Iterator[str]:
    yield lines([FIELDS])
    after: str | None = None if agents.query.is_empty() else ""
    while after is not None:
        rows = read_cells(agents.filter(pk__gt=after), PAGE + 1)
        after = rows[PAGE - 1][0] if len(rows) > PAGE else None
        columns = zip(*rows[:PAGE], strict=True)
        yield lines(zip(*map(_column, FIELDS, columns), strict=True))


def _column(name: str, values: Sequence[Any]) -> Sequence[Any]:
    if name in TEXTS:
        return column(values)
    if name in DOCUMENTS:
        return column([_readable(document) for document in values])
    return values


def _readable(document: str) -> str:
    """SQLite stores escaped letters."""
    return json.dumps(json.loads(document), ensure_ascii=False) if "\\u" in document else document


FORMATS: dict[str, tuple[str, Callable[[AgentQuerySet], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
}


class Exports(Matching):
    def export(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        try:
            matching = self.matching_agents(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(
                reverse("admin:agents_agentrecord_changelist", query={"e": 1})
            )
        content_type, write = FORMATS[kind]
        asked = request.META.get("QUERY_STRING", "")
        logger.info("%s exports agents as %s: %r", staff(request.user), kind, asked)
        answer = StreamingHttpResponse(write(matching), content_type=content_type)
        name = f"agents-{timezone.now().date()}.{kind}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer
