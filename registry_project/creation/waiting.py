"""The page of a new agent: its zip, its token, and its first heartbeat."""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, get_conditional_response
from django.utils.html import format_html

from agents.admin.widgets import cells, shown_once
from agents.admin.widgets.times import exact
from agents.history.feed import newest_first
from agents.models import AgentEvent, AgentRecord
from agents.querysets import read_at
from agents.states import Level
from deploygen.output.archive import zipped
from deploygen.output.report import next_steps
from deploygen.project.scaffold import BELOW_THE_SPEC
from registry_project.creation.creating import begun_after, kept_agent, require_operator

SECONDS = 2


@dataclass(frozen=True)
class Progress:
    level: Level
    word: str
    text: str
    has_arrived: bool = False


def page(request: HttpRequest, agent_id: str) -> HttpResponse:
    require_operator(request)
    agent = kept_agent(request, agent_id)
    token = shown_once.take(request)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Create {agent_id}",
        "agent_id": agent_id,
        "token": token,
        "agent": agent,
        "joins": agent is None or agent.spec.registry_url is not None,
        "elsewhere": _elsewhere(agent.spec.registry_url if agent else None),
        "seconds": SECONDS,
        **_now(request, agent_id),
    }
    if agent is not None:
        folder = Path(agent.spec.name)
        steps = next_steps(agent.spec, folder / BELOW_THE_SPEC, code=folder, built=False)
        context |= {"steps": steps.strip("\n"), "files": len(agent.files)}
    response = TemplateResponse(request, "admin/create/created.html", context)
    if token is not None:
        add_never_cache_headers(response)
    return response


def archive(request: HttpRequest, agent_id: str) -> HttpResponse:
    require_operator(request)
    agent = kept_agent(request, agent_id)
    if agent is None:
        raise Http404
    name = agent.spec.name
    return HttpResponse(
        zipped(agent.files, name),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}.zip"'},
    )


def now(request: HttpRequest, agent_id: str) -> HttpResponse:
    require_operator(request)
    html = render_to_string("admin/create/now.html", _now(request, agent_id), request)
    response = HttpResponse(html)
    etag = f'"{blake2b(html.encode(), digest_size=16).hexdigest()}"'
    response["ETag"] = etag
    return cast("HttpResponse", get_conditional_response(request, etag, response=response))


def _now(request: HttpRequest, agent_id: str) -> dict[str, Any]:
    return {
        "progress": progress(agent_id, begun_after(request, agent_id)),
        "agent_url": cells.agent_url(agent_id),
        "now_url": reverse("create-agent-now", args=[agent_id]),
    }


def progress(agent_id: str, after: int) -> Progress:
    """`after`: the newest event before the agent was made."""
    agent = AgentRecord.objects.with_read_at().filter(pk=agent_id).first()
    is_alive = agent is not None and agent.is_alive(read_at(agent))
    if agent is not None and agent.generation > after:
        registered = exact(agent.registered_at)
        if is_alive:
            text = format_html("It registered at {}.", registered)
            return Progress(Level.OK, "alive", text, has_arrived=True)
        html = "It registered at {}, and its lease ended at {}."
        text = format_html(html, registered, exact(agent.expires_at))
        return Progress(Level.BAD, "expired", text, has_arrived=True)
    newest = newest_first(agent_id).filter(pk__gt=after, kind=AgentEvent.Kind.REFUSED).first()
    if newest is not None:
        return Progress(
            Level.BAD, "refused", format_html("At {}: {}.", exact(newest.at), newest.reason)
        )
    if is_alive:
        taken = "Another agent with this id is alive. The new one takes over the id if it registers"
        return Progress(Level.WARN, "waiting", f"{taken} with the same token.")
    return Progress(Level.WARN, "waiting", "For its first heartbeat.")


def _elsewhere(url: str | None) -> str:
    return url if url and url != settings.REGISTRY_URL else ""
