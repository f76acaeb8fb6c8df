"""What one can go to or do: pages, and operations such as "drain weather-7"."""

from collections.abc import Iterator, Sequence

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from agents.admin.agents.operations.kinds import OPERATIONS, Operation
from agents.admin.dashboard.search import agents
from agents.admin.dashboard.search.results import MOST, Found, Result
from agents.conditions import condition_of
from agents.models import AgentRecord
from agents.querysets import read_at

SHORTEST_VERB = 2
TITLES = {"agentevent": "History"}
LIST = "admin:agents_agentrecord_changelist"
PERMISSIONS = {"operate": "agents.change_agentrecord", "remove": "agents.delete_agentrecord"}


def page_results(request: HttpRequest, text: str) -> list[Result]:
    words = text.casefold().split()
    pages = [page for page in _pages(request) if _begin(words, page.title)]
    return pages[:MOST]


def operation_results(request: HttpRequest, text: str, searched: Found) -> list[Result]:
    """Without a text, return those that can be typed."""
    verb, _, rest = text.strip().partition(" ")
    allowed = [
        operation
        for operation in OPERATIONS.values()
        if (not verb or len(verb) >= SHORTEST_VERB)
        and operation.name.startswith(verb.casefold())
        and request.user.has_perm(PERMISSIONS[operation.permission])
    ]
    if not rest.strip():
        return [
            Result(f"{one.title} an agent", "Type its id, name or host.", text=f"{one.name} ")
            for one in allowed
        ]
    found = agents.read(agents.find(rest.strip(), searched).ids) if allowed else []
    return [
        _operation(operation, agent.agent_id, condition.word, condition.level)
        for operation in allowed
        for agent in found
        for condition in [condition_of(agent, read_at(agent))]
        if operation.would_change(agent, is_alive=agent.is_alive(read_at(agent)))
    ][:MOST]


def _operation(operation: Operation, agent_id: str, word: str, level: str) -> Result:
    """Post what the agent's own page posts: a page that asks for confirmation follows."""
    form: Sequence[tuple[str, str]] = [
        ("action", operation.name),
        ("_selected_action", agent_id),
        ("from_agent", agent_id),
        ("select_across", "0"),
    ]
    title = f"{operation.title} {agent_id}…"
    return Result(title, url=reverse(LIST), form=form, word=word, level=level)


def _pages(request: HttpRequest) -> Iterator[Result]:
    """The registry's own come first."""
    yield Result("Overview", url=reverse("admin:index"))
    apps = admin.site.get_app_list(request)
    for app in sorted(apps, key=lambda app: app["app_label"] != AgentRecord._meta.app_label):
        detail = "" if app["app_label"] == AgentRecord._meta.app_label else app["name"]
        models = [(model, model["model"]._meta) for model in app["models"]]
        for model, options in models:
            if model["admin_url"]:
                title = TITLES.get(options.model_name) or _capital(model["name"])
                yield Result(title, detail, model["admin_url"])
        for model, options in models:
            if model["add_url"]:
                yield Result(f"Add {options.verbose_name}", detail, model["add_url"])
    yield Result("API documentation", url=reverse("docs"))
    yield Result("Change password", url=reverse("admin:password_change"))


def _capital(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}"


def _begin(words: Sequence[str], title: str) -> bool:
    known = title.casefold().split()
    return all(any(one.startswith(word) for one in known) for word in words)
