from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from agents.admin.dashboard.search import agents
from agents.admin.dashboard.search.actions import LIST, operation_results, page_results
from agents.admin.dashboard.search.results import MOST, Found, Result
from agents.admin.widgets import cells
from agents.history.gone import find_gone
from agents.models import AccessToken
from agents.querysets import read_at
from agents.tokens.recognition import has_token, recognise

MAX_LENGTH = 256


@sensitive_variables("text")
def search(request: HttpRequest, text: str) -> Found:
    """Return what the user may see. A text with a token finds nothing but the token."""
    text = " ".join(text.replace("\0", "").split())[:MAX_LENGTH]
    found = Found()
    if has_token(text):
        if request.user.has_perm("agents.view_accesstoken"):
            found.add("Tokens", _pasted_token(text))
        return found
    may_view_agents = request.user.has_perm("agents.view_agentrecord")
    operations = operation_results(request, text, found) if may_view_agents else []
    pages = page_results(request, text)
    if not text:
        found.add("Pages", pages)
        found.add("Operations", operations)
        return found
    found.add("Operations", operations)
    if any(operation.form for operation in operations):
        return found
    if may_view_agents:
        _add_agents(found, text)
        pages.append(Result(f"All agents with “{text}”", url=reverse(LIST, query={"q": text})))
    if request.user.has_perm("agents.view_agentevent"):
        found.add("Gone agents", _gone(found, text))
    if request.user.has_perm("agents.view_accesstoken"):
        found.add("Tokens", _tokens(found, text))
    found.add("Pages", pages)
    return found


def _add_agents(found: Found, text: str) -> None:
    matches = agents.find(text, found)
    found.add("Agents", agents.agent_results(matches.ids))
    found.add("Hosts", agents.list_results("host", matches.hosts))
    found.add("Skills", agents.list_results("skill", matches.skills))
    found.add("Tags", agents.list_results("tag", matches.tags))


def _gone(found: Found, text: str) -> list[Result]:
    return [
        Result(event.agent_id, event.kind, cells.agent_url(event.agent_id), word="gone")
        for event in found.limited(lambda: find_gone(text, MOST))
    ]


def _tokens(found: Found, text: str) -> list[Result]:
    tokens = AccessToken.objects.with_agents()
    named = tokens.filter(Q(name__icontains=text) | Q(key__startswith=text))
    return [_token(token) for token in found.limited(lambda: named.order_by("name", "pk")[:MOST])]


@sensitive_variables("text")
def _pasted_token(text: str) -> list[Result]:
    recognised = recognise(text)
    if recognised is None:
        return []
    note = "this is its secret" if recognised.is_whole else "but this is not its secret"
    return [_token(recognised.token, note)]


def _token(token: AccessToken, note: str = "") -> Result:
    state = token.state(read_at(token))
    return Result(
        token.name,
        f"{token.key}, {note}" if note else token.key,
        reverse("admin:agents_accesstoken_change", args=[token.pk]),
        word=state,
        level=state.level,
    )
