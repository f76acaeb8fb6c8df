"""The actions of the list and of an agent's page: each asks first, then does it and says so."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from agents.actors import staff
from agents.admin.agents.operations import selection
from agents.admin.agents.operations.kinds import OPERATIONS, Operation
from agents.admin.agents.operations.selection import Choice, Walk, read_choice
from agents.admin.widgets import cells
from agents.leases import UnknownAgent
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet, FleetCount

# So many agents are named where all are counted.
MOST_NAMED = 50


class ReasonForm(forms.Form):
    reason = forms.CharField(required=False)

    def __init__(self, data: Any, max_length: int) -> None:
        super().__init__(data, label_suffix="")
        self.fields["reason"] = forms.CharField(
            required=False,
            max_length=max_length,
            label="Reason",
            help_text="For the history; it may stay empty.",
            widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        )


def _action(operation: Operation) -> Callable[..., HttpResponse | None]:
    @admin.action(permissions=[operation.permission], description=operation.label)
    def act(
        model_admin: "Operations", request: HttpRequest, matching: AgentQuerySet
    ) -> HttpResponse | None:
        return model_admin.operate(request, matching, operation)

    act.__name__ = operation.name  # what Django posts and looks it up by
    return act


class Operations(ModelAdmin[AgentRecord]):
    """The actions, each with Django's permission for it.

    They are posted by the list, with what was ticked there, and by an agent's page, which names
    itself as ``from_agent`` so that the answer leads back to it. Without ``confirmed`` the answer
    is a page that says what will happen, and asks for a ``reason``.
    """

    actions = [_action(operation) for operation in OPERATIONS.values()]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_agentrecord"))

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.delete_agentrecord"))

    def refuse_what_is_not_allowed(self, request: HttpRequest) -> None:
        """Raise PermissionDenied where an operation is posted that the user may not do."""
        posted = {name for name in request.POST.getlist("action") if name in OPERATIONS}
        if not posted <= set(self.get_actions(request)):
            raise PermissionDenied

    def operate(
        self, request: HttpRequest, matching: AgentQuerySet, operation: Operation
    ) -> HttpResponse | None:
        choice = read_choice(request, matching)
        is_confirmed = "confirmed" in request.POST
        form = ReasonForm(request.POST if is_confirmed else None, operation.reason_length)
        if is_confirmed and form.is_valid():
            return self._do(request, choice, operation, form.cleaned_data["reason"])
        count = choice.agents.count_fleet()
        if not _concerned(operation, count):  # nothing to ask about
            return self._do(request, choice, operation, "")
        return self._ask(request, choice, operation, form, count)

    def _do(
        self, request: HttpRequest, choice: Choice, operation: Operation, reason: str
    ) -> HttpResponse | None:
        walk = Walk(operation.applicable(choice.agents))
        counts = Counter[bool]()
        for agent_id in walk:
            with suppress(UnknownAgent):
                actor = staff(request.user)
                counts[operation.run(agent_id=agent_id, actor=actor, reason=reason)] += 1
        said = [f"{cells.agents(counts[True])} {operation.done}"]
        found = counts.total()
        if operation.expired_only:
            alive = choice.agents.alive().count()
            found = counts[True] + alive
            if alive:
                said.append(
                    f"{alive:,} left, because {'it is' if alive == 1 else 'they are'} alive"
                )
        elif same := counts[False]:
            said.append(f"{same:,} {'was' if same == 1 else 'were'} {operation.unchanged} already")
        if walk.cut_short:
            said.append(f"stopped after {selection.LONGEST_SECONDS} s: do it again for the rest")
        elif not choice.is_across and (missing := len(choice.ticked) - found) > 0:
            said.append(f"{missing:,} had no record any more")
        level = messages.SUCCESS if counts[True] and not walk.cut_short else messages.WARNING
        self.message_user(request, f"{'; '.join(said)}.", level)
        return _back_to_the_agent(request)

    def _ask(
        self,
        request: HttpRequest,
        choice: Choice,
        operation: Operation,
        form: ReasonForm,
        count: FleetCount,
    ) -> TemplateResponse:
        concerned = _concerned(operation, count)
        named = operation.applicable(choice.agents).with_read_at().order_by("pk")[:MOST_NAMED]
        which = "expired agent" if operation.expired_only else "agent"
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"{operation.title} {concerned:,} {which}{'' if concerned == 1 else 's'}?",
            "opts": self.opts,
            "media": self.media,
            "operation": operation,
            "form": form,
            "count": count,
            "left": count.registered - concerned,
            "named": [(agent, cells.lease(agent)) for agent in named],
            "unnamed": max(concerned - MOST_NAMED, 0),
            "choice": choice,
            "cancel_url": _back(request) or request.get_full_path(),
            "from_agent": request.POST.get("from_agent", ""),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        template = "admin/agents/agentrecord/operation_confirmation.html"
        return TemplateResponse(request, template, context)


def _concerned(operation: Operation, count: FleetCount) -> int:
    return count.registered - (count.active if operation.expired_only else 0)


def _back(request: HttpRequest) -> str | None:
    """Return the address of the agent's page that posted; None where it was the list."""
    agent_id = request.POST.get("from_agent", "")
    if not agent_id or "\0" in agent_id:
        return None
    is_there = AgentRecord.objects.filter(pk=agent_id).exists()
    return cells.agent_url(agent_id) if is_there else None


def _back_to_the_agent(request: HttpRequest) -> HttpResponse | None:
    url = _back(request)
    return None if url is None else HttpResponseRedirect(url)
