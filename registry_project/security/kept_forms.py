"""A form that is sent after its session has ended is kept until its sender has signed in again.

It travels encrypted: in the sign-in page, or in the session while an OpenID provider is asked. It
is shown again, and nothing is done without another click.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.urls import resolve, reverse
from django.utils.cache import add_never_cache_headers

from agents.encryption import Undecipherable, decrypt, encrypt

FIELD = "kept_form"
PAGES = "/admin/"
MAX_LENGTH = 50_000
NEVER_KEPT = re.compile("password|^token$|csrfmiddlewaretoken", re.IGNORECASE)
# What forms say to the server, not what somebody has entered.
UNSEEN = {"confirmed", "select_across", "from_agent", "index", "next", "query"}
NAMES = {"_selected_action": "Selected"}


@dataclass(frozen=True)
class KeptForm:
    path: str
    fields: list[tuple[str, str]]

    @property
    def entered(self) -> list[tuple[str, str]]:
        return [
            (NAMES.get(name, name.strip("_").replace("_", " ").capitalize()), value)
            for name, value in self.fields
            if value and name not in UNSEEN
        ]


class KeptForms:
    """Answers such a form with the sign-in page, instead of a redirect that forgets it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if not _was_refused(request, response):
            return response
        kept = _keep(request)
        if not kept:
            return response
        sign_in = resolve(reverse("admin:login")).func
        _become(request, "GET", response.headers["Location"], QueryDict())
        return _rendered(sign_in(request, kept=kept))


def read(kept: str) -> KeptForm | None:
    try:
        found = json.loads(decrypt(kept))
    except Undecipherable:
        return None
    return KeptForm(found["path"], [(name, value) for name, value in found["fields"]])


def show_again(request: HttpRequest, form: KeptForm) -> HttpResponse:
    """Show a form to somebody who has signed in, filled in as before."""
    response = _in_place(request, form) or _as_list(request, form)
    add_never_cache_headers(response)
    return response


def _in_place(request: HttpRequest, form: KeptForm) -> HttpResponse | None:
    """Return None for what is no form of the admin's."""
    try:
        match = resolve(form.path.partition("?")[0])
    except Http404:
        return None
    if not re.fullmatch(r"\w+_\w+_(add|change)", match.url_name or ""):
        return None
    posted = QueryDict(mutable=True)
    for name, value in form.fields:
        posted.appendlist(name, value)
    _become(request, "POST", form.path, posted)
    request.resolver_match = match
    request.csrf_processing_done = True  # type: ignore[attr-defined]  # of the sign-in form
    request.form_is_kept = True  # type: ignore[attr-defined]  # forms refuse to be saved
    with transaction.atomic():
        response = _rendered(match.func(request, *match.args, form_url=form.path, **match.kwargs))
        transaction.set_rollback(True)
    return response if response.status_code == 200 else None  # noqa: PLR2004


def _as_list(request: HttpRequest, form: KeptForm) -> HttpResponse:
    _become(request, "GET", reverse("admin:index"), QueryDict())
    context = {**admin.site.each_context(request), "title": "Your session had ended", "kept": form}
    return render(request, "admin/kept_form.html", context)


def _was_refused(request: HttpRequest, response: HttpResponseBase) -> bool:
    is_script = "X-Requested-With" in request.headers
    is_script |= request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    to_sign_in = response.headers.get("Location", "").startswith(f"{reverse('admin:login')}?")
    is_form = request.method == "POST" and request.path.startswith(PAGES)
    return is_form and to_sign_in and not is_script


def _keep(request: HttpRequest) -> str:
    """Return "" for nothing, or too much, to keep."""
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if not NEVER_KEPT.search(name)
        for value in values
    ]
    text = json.dumps({"path": request.get_full_path(), "fields": fields})
    return encrypt(text) if fields and len(text) <= MAX_LENGTH else ""


def _become(request: HttpRequest, method: str, address: str, posted: QueryDict) -> None:
    path, _, query = address.partition("?")
    request.method, request.path, request.path_info = method, path, path
    request.META |= {"REQUEST_METHOD": method, "QUERY_STRING": query, "PATH_INFO": path}
    request.GET = QueryDict(query)
    request.POST = posted  # type: ignore[assignment]


def _rendered(response: Any) -> HttpResponse:
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    answer: HttpResponse = response
    return answer
