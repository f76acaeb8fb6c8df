"""The form that makes an agent, with the files that generate_agent would write beside it."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from agents.admin.widgets import shown_once
from agents.tokens.auth_mode import is_open
from deploygen.form.fields import form, initial, with_another, without
from deploygen.form.posted import Posted, read
from deploygen.project.new_agent import NewAgent, new_agent
from deploygen.project.scaffold import DEFAULT_NAME, SPEC_FILE
from deploygen.spec.errors import SpecError
from registry_project.creation import creating
from registry_project.creation.creating import ISSUE, may_issue, require_operator
from registry_project.creation.files import listed, shown_path

Problems = Mapping[str, list[str]]


def page(request: HttpRequest) -> HttpResponse:
    """`do`: the button. "add" and "remove" change the form, "show" chooses a file."""
    require_operator(request)
    if request.method != "POST":
        return _page(request, initial(DEFAULT_NAME), is_new=True)
    posted: Posted = dict(request.POST.lists())
    if "add" in posted:
        return _page(request, with_another(posted, request.POST["add"]))
    if "remove" in posted:
        return _page(request, without(posted, request.POST["remove"]))
    agent, _ = _agent(posted)
    if agent is None or request.POST.get("do") != "create":
        return _page(request, posted)
    creating.keep(request, agent)
    wants_token = ISSUE in posted and agent.spec.registry_url is not None
    url = creating.created_url(agent.spec.agent_id)
    if wants_token and may_issue(request):
        return shown_once.lead_to(request, url, creating.issue_token(request, agent.spec))
    return redirect(url)


@require_POST
def preview(request: HttpRequest) -> JsonResponse:
    """Return messages by field, and the files as HTML: null if there are none."""
    require_operator(request)
    posted: Posted = dict(request.POST.lists())
    agent, problems = _agent(posted)
    files = None
    if agent is not None:
        files = render_to_string("admin/create/files.html", _files(request, agent), request)
    return JsonResponse({"problems": problems, "files": files})


def _page(request: HttpRequest, posted: Posted, *, is_new: bool = False) -> HttpResponse:
    agent, problems = _agent(posted)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Create an agent",
        "form": form(posted, problems),
        "has_problems": bool(problems),
        "may_issue": may_issue(request),
        "issues": not is_open() if is_new else ISSUE in posted,
        "is_open": is_open(),
        "registry_url": settings.REGISTRY_URL,
    }
    if agent is not None:
        context |= _files(request, agent)
    return TemplateResponse(request, "admin/create/form.html", context)


def _agent(posted: Posted) -> tuple[NewAgent | None, Problems]:
    reading = read(posted)
    try:
        return new_agent(reading.values, settings.REGISTRY_URL), {}
    except SpecError as error:
        return None, reading.by_field(error.problems)


def _files(request: HttpRequest, agent: NewAgent) -> dict[str, Any]:
    chosen = request.POST.get("show") or request.POST.get("shown") or SPEC_FILE
    path = shown_path(agent.files, chosen)
    return {"folder": agent.spec.name, "shown": path, "text": agent.files[path]} | listed(
        agent.files
    )
