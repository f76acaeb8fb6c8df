"""The list of agents that are gone, from the history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from agents.actors import STAFF
from agents.admin.widgets import cells
from agents.admin.widgets.pages import admin_page
from agents.database.clock import DatabaseNow
from agents.durations import in_words
from agents.history.gone import SEARCHED, find_gone, newest_gone, search_gone
from agents.leases.fleet.last_count import recent_count
from agents.models import AgentEvent, AgentRecord
from agents.querysets import read_at
from agents.states import Lease, Level

VIEW, VIEW_HISTORY = "agents.view_agentrecord", "agents.view_agentevent"
PER_PAGE = 50
PAGES = {str(number) for number in range(1, SEARCHED // PER_PAGE + 1)}
MOST_IN_SEARCH = 5
Kind = AgentEvent.Kind
HOW = {
    "": ("All", Q()),
    "died": ("Died", Q(kind=Kind.PURGED)),
    "stopped": ("Stopped", Q(kind=Kind.DEREGISTERED)),
}
WITHIN = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 h", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "": ("Any time", None),
}


@dataclass(frozen=True)
class GoneAgent:
    event: AgentEvent

    @property
    def record(self) -> Mapping[str, Any]:
        return self.event.record or {}

    @property
    def url(self) -> str:
        return cells.agent_url(self.event.agent_id)

    @property
    def word(self) -> str:
        """How it ended."""
        if self.event.kind == Kind.PURGED:
            return "died"
        return "removed" if self.event.actor.startswith(STAFF) else "stopped"

    @property
    def level(self) -> str:
        return Level.BAD if self.event.kind == Kind.PURGED else ""

    @property
    def when(self) -> SafeString:
        return cells.when(self.event.at, read_at(self.event))

    @property
    def lived(self) -> str:
        begin, end = (self.record.get(name) for name in ("registered_at", "last_heartbeat"))
        if not begin or not end:
            return cells.NOTHING
        lasted = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
        return in_words(lasted.total_seconds())


@dataclass(frozen=True)
class Choice:
    name: str
    query: str
    is_chosen: bool


class GoneList(ModelAdmin[AgentRecord]):
    def gone_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perms([VIEW, VIEW_HISTORY]):
            raise PermissionDenied
        chosen = _chosen(request)
        found = _find(chosen)
        page = int(chosen["p"])
        return admin_page(
            self,
            request,
            "gone_list.html",
            title="Gone agents",
            gone=[GoneAgent(event) for event in found[:PER_PAGE]],
            now=read_at(found[0]) if found else None,
            chosen=chosen,
            hows=_choices(chosen, "how", {key: name for key, (name, _) in HOW.items()}),
            withins=_choices(chosen, "within", {key: name for key, (name, _) in WITHIN.items()}),
            newer=_query(chosen, p=str(page - 1)) if page > 1 else None,
            older=_query(chosen, p=str(page + 1)) if len(found) > PER_PAGE else None,
            expired=recent_count().leases[Lease.EXPIRED],
        )


def _chosen(request: HttpRequest) -> dict[str, str]:
    """Return the parameters; what is unknown is left out."""
    given = {name: request.GET.get(name, "") for name in ("q", "how", "within", "p")}
    return {
        "q": given["q"].strip(),
        "how": given["how"] if given["how"] in HOW else "",
        "within": given["within"] if given["within"] in WITHIN else "",
        "p": given["p"] if given["p"] in PAGES else "1",
    }


def _find(chosen: Mapping[str, str]) -> list[AgentEvent]:
    """Return a page of events, and one more if there is another page."""
    _, condition = HOW[chosen["how"]]
    gone = search_gone(newest_gone().filter(condition), chosen["q"])
    _, within = WITHIN[chosen["within"]]
    if within is not None:
        gone = gone.filter(at__gte=DatabaseNow() - within)
    begin = (int(chosen["p"]) - 1) * PER_PAGE
    return list(gone.annotate(read_at=DatabaseNow())[begin : begin + PER_PAGE + 1])


def _query(chosen: Mapping[str, str], **changed: str) -> str:
    pairs = {**chosen, "p": "", **changed}
    return urlencode({name: value for name, value in pairs.items() if value})


def _choices(chosen: Mapping[str, str], name: str, words: Mapping[str, str]) -> list[Choice]:
    return [
        Choice(word, _query(chosen, **{name: key}), chosen[name] == key)
        for key, word in words.items()
    ]


def gone_matches(request: HttpRequest) -> list[GoneAgent]:
    """Return a few that match the search of the list of agents."""
    text = request.GET.get("q", "").strip()
    if not text or not request.user.has_perm(VIEW_HISTORY):
        return []
    return [GoneAgent(event) for event in find_gone(text, MOST_IN_SEARCH)]
