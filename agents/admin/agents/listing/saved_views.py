"""Views are query strings of known parameters, so they cannot lead to other pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from agents.actors import staff
from agents.admin.agents.listing.filters import GROUP, ORDER, TITLES
from agents.database.clock import DatabaseNow
from agents.models import (
    MAX_VIEW_NAME_LENGTH,
    MAX_VIEW_QUERY_LENGTH,
    AgentRecord,
    SavedView,
)
from agents.states import Lease, State, Status

CHANGE = "agents.change_agentrecord"
KNOWN = {*TITLES, ORDER, GROUP}
IGNORED = {"p", "all", "e", "_facets"}


@dataclass(frozen=True)
class BuiltIn:
    name: str
    query: str


BUILT_IN = [
    BuiltIn("All", ""),
    *(BuiltIn(lease.label, f"liveness={lease}") for lease in Lease),
    *(BuiltIn(state.label, f"state__exact={state}") for state in State if not state.is_default),
    BuiltIn(Status.DEGRADED.label, f"status__exact={Status.DEGRADED}"),
]


class InvalidView(ValueError):
    """The message is for the user."""


def view_query(lists: Iterable[tuple[str, list[str]]]) -> str:
    pairs = [(name, value) for name, values in lists for value in values if value]
    return urlencode(sorted(pair for pair in pairs if pair[0] in KNOWN))


def read_view(name: str, query: str) -> SavedView:
    name = " ".join(name.split())
    if not name or len(name) > MAX_VIEW_NAME_LENGTH or not name.isprintable():
        raise InvalidView(f"A view needs a name of 1 to {MAX_VIEW_NAME_LENGTH} characters.")
    if name.lower() in {view.name.lower() for view in BUILT_IN}:
        raise InvalidView(f"“{name}” is a built-in view.")
    try:
        pairs = parse_qsl(query.removeprefix("?"), max_num_fields=100)
    except ValueError as error:
        raise InvalidView("A view has at most 100 parameters.") from error
    if unknown := sorted({key for key, _ in pairs} - KNOWN - IGNORED):
        raise InvalidView(f"Unknown parameters: {', '.join(unknown)}.")
    if any("\0" in value for _, value in pairs):
        raise InvalidView("A view cannot hold a NUL character.")
    normal = view_query((key, [value]) for key, value in pairs)
    if len(normal) > MAX_VIEW_QUERY_LENGTH:
        raise InvalidView(f"A view has at most {MAX_VIEW_QUERY_LENGTH:,} characters.")
    return SavedView(name=name, query=normal)


class SavedViews(ModelAdmin[AgentRecord]):
    def save_view(self, request: HttpRequest) -> HttpResponse:
        refusal = _refusal(request)
        if refusal is not None:
            return refusal
        try:
            view = read_view(request.POST.get("name", ""), request.POST.get("query", ""))
        except InvalidView as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(_list())
        view.created_by, view.created_at = staff(request.user), DatabaseNow()
        try:
            with transaction.atomic():
                view.save()
        except IntegrityError:
            text = f"A view “{view.name}” exists: delete it first, or use another name."
            self.message_user(request, text, messages.ERROR)
        else:
            self.message_user(request, f"Saved as “{view.name}”.", messages.SUCCESS)
        return HttpResponseRedirect(_list(view.query))

    def delete_saved_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        refusal = _refusal(request)
        if refusal is not None:
            return refusal
        view = SavedView.objects.filter(pk=pk).first()
        if view is None:
            self.message_user(request, "That view has already been deleted.", messages.WARNING)
        else:
            view.delete()
            self.message_user(request, f"View “{view.name}” deleted.", messages.SUCCESS)
        return HttpResponseRedirect(_list())


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def _list(query: str = "") -> str:
    url = reverse("admin:agents_agentrecord_changelist")
    return f"{url}?{query}" if query else url
