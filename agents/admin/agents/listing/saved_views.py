"""Named views of the list of agents: what it is narrowed to, searched for and sorted by.

A view is the query of an address of the list, and can be nothing else: it has no path, and only
parameters that the list knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from agents.actors import staff
from agents.admin.agents.listing.filters import ORDER, TITLES
from agents.database.clock import DatabaseNow
from agents.models import (
    MAX_VIEW_NAME_LENGTH,
    MAX_VIEW_QUERY_LENGTH,
    AgentRecord,
    SavedView,
)
from agents.states import Lease, State, Status

CHANGE = "agents.change_agentrecord"
KNOWN = {*TITLES, ORDER}
# Where on the list somebody is, and how it is shown, is no part of a view.
LEFT_OUT = {"p", "all", "e", "_facets"}


@dataclass(frozen=True)
class BuiltIn:
    name: str
    query: str


BUILT_IN = [
    BuiltIn("All", ""),
    *(BuiltIn(lease.label, f"liveness={lease}") for lease in Lease if lease is not Lease.ALIVE),
    *(BuiltIn(state.label, f"state__exact={state}") for state in State if not state.is_default),
    BuiltIn(Status.DEGRADED.label, f"status__exact={Status.DEGRADED}"),
]


class InvalidView(ValueError):
    """What is wrong with a view, as a sentence."""


def view_query(lists: Iterable[tuple[str, list[str]]]) -> str:
    """Return the query of a view, from the parameters of an address; always in the same form."""
    pairs = [(name, value) for name, values in lists for value in values if value]
    return urlencode(sorted(pair for pair in pairs if pair[0] in KNOWN))


def read_view(name: str, query: str) -> SavedView:
    """Return the view that somebody posted; raise InvalidView."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_VIEW_NAME_LENGTH or not name.isprintable():
        raise InvalidView(f"A view needs a name of 1 to {MAX_VIEW_NAME_LENGTH} characters.")
    if name.lower() in {view.name.lower() for view in BUILT_IN}:
        raise InvalidView(f"“{name}” is there already.")
    try:
        pairs = parse_qsl(query.removeprefix("?"), max_num_fields=100)
    except ValueError as error:
        raise InvalidView("A view has at most 100 parameters.") from error
    if unknown := sorted({key for key, _ in pairs} - KNOWN - LEFT_OUT):
        raise InvalidView(f"The list has no {', '.join(unknown)}.")
    if any("\0" in value for _, value in pairs):
        raise InvalidView("A view cannot hold a NUL character.")
    kept = view_query((key, [value]) for key, value in pairs)
    if len(kept) > MAX_VIEW_QUERY_LENGTH:
        raise InvalidView(f"A view has at most {MAX_VIEW_QUERY_LENGTH:,} characters.")
    return SavedView(name=name, query=kept)


def saved_views() -> list[SavedView]:
    return list(SavedView.objects.all())


class SavedViews(ModelAdmin[AgentRecord]):
    """Where views are saved and deleted; both need the permission to change agents."""

    def get_urls(self) -> list[URLPattern]:
        save = self.admin_site.admin_view(self.save_view)
        delete = self.admin_site.admin_view(self.delete_saved_view)
        return [
            path("views/save/", save, name="agents_agentrecord_save_view"),
            path("views/<int:pk>/delete/", delete, name="agents_agentrecord_delete_view"),
            *super().get_urls(),
        ]

    def save_view(self, request: HttpRequest) -> HttpResponse:
        refused = _refuse(request)
        if refused is not None:
            return refused
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
            text = f"There is a view “{view.name}” already: delete it first, or take another name."
            self.message_user(request, text, messages.ERROR)
        else:
            self.message_user(request, f"Saved as “{view.name}”.", messages.SUCCESS)
        return HttpResponseRedirect(_list(view.query))

    def delete_saved_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        refused = _refuse(request)
        if refused is not None:
            return refused
        view = SavedView.objects.filter(pk=pk).first()
        if view is None:
            self.message_user(request, "That view is gone already.", messages.WARNING)
        else:
            view.delete()
            self.message_user(request, f"The view “{view.name}” is deleted.", messages.SUCCESS)
        return HttpResponseRedirect(_list())


def _refuse(request: HttpRequest) -> HttpResponse | None:
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def _list(query: str = "") -> str:
    url = reverse("admin:agents_agentrecord_changelist")
    return f"{url}?{query}" if query else url
