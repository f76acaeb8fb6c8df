"""Replaces a token, while the old one stays valid for a chosen time."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from agents.actors import staff
from agents.admin.tokens.issue_form import DEFAULT_DAYS
from agents.admin.widgets import cells, shown_once
from agents.admin.widgets.pages import admin_page
from agents.models import AccessToken, AgentRecord
from agents.querysets import AgentQuerySet
from agents.tokens.rotation import (
    NotReplaceable,
    predecessor_of,
    problem_of,
    rotate,
    successor_of,
)
from agents.tokens.terms import MAX_LIFETIME, lifetime_of

OVERLAPS = {"1": "1 hour", "24": "1 day", "168": "7 days", "720": "30 days"}
DEFAULT_OVERLAP = "168"
MOST_LISTED = 20


class ReplaceForm(forms.Form):
    hours = forms.ChoiceField(
        label="Keep the old token for",
        choices=OVERLAPS.items,
        initial=DEFAULT_OVERLAP,
        help_text="Both are valid until then: give the agents the new one in the meantime.",
    )
    days = forms.IntegerField(
        label="The new token is valid for",
        required=False,
        min_value=1,
        max_value=MAX_LIFETIME.days,
        initial=DEFAULT_DAYS,
        help_text="Days. Empty: until it is revoked.",
    )


class Replacing(ModelAdmin[AccessToken]):
    def may_replace(self, request: HttpRequest) -> bool:
        return request.user.has_perms(("agents.add_accesstoken", "agents.change_accesstoken"))

    def replace(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.may_replace(request):
            raise PermissionDenied
        token = self.get_object(request, str(pk))
        if token is None:
            raise Http404
        page = cells.token_url(token)
        if problem := problem_of(token):
            self.message_user(request, problem, messages.WARNING)
            return HttpResponseRedirect(page)
        form = ReplaceForm(request.POST or None, label_suffix="")
        if request.method == "POST" and form.is_valid():
            return self._replace(request, token, form.cleaned_data)
        return admin_page(
            self,
            request,
            "replace.html",
            title=f"Replace {token.name}?",
            token=token,
            form=form,
            cancel_url=page,
        )

    def _replace(
        self, request: HttpRequest, token: AccessToken, chosen: dict[str, Any]
    ) -> HttpResponse:
        try:
            issued, text = rotate(
                key=token.key,
                actor=staff(request.user),
                overlap=timedelta(hours=int(chosen["hours"])),
                lifetime=lifetime_of(chosen["days"]),
            )
        except NotReplaceable as error:  # by somebody else, just now
            self.message_user(request, str(error), messages.WARNING)
            return HttpResponseRedirect(cells.token_url(token))
        url = reverse("admin:agents_accesstoken_issued", args=[issued.pk])
        return shown_once.lead_to(request, url, text)


def family_context(token: AccessToken) -> dict[str, Any]:
    """Return what replaced a token, what it replaced, and what still uses the replaced one."""
    successor, predecessor = successor_of(token), predecessor_of(token)
    old = token if successor else predecessor
    return {
        "successor": successor,
        "predecessor": predecessor,
        "old": old and AccessToken.objects.with_agents().get(pk=old.pk),
        "old_agents": old and list(_agents_of(old)),
        "old_fleet_url": old and cells.fleet_url(old),
    }


def _agents_of(token: AccessToken) -> AgentQuerySet:
    return AgentRecord.objects.filter(enrolled_by=token.key).alive().order_by("pk")[:MOST_LISTED]
