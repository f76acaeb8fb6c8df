from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from agents.actors import staff
from agents.admin.agents.operations.execution import run
from agents.admin.agents.operations.kinds import OPERATIONS, Operation
from agents.admin.agents.operations.selection import Selection, read_selection
from agents.admin.agents.operations.undoing import UNDO, Undoing
from agents.admin.widgets import cells, undo
from agents.admin.widgets.pages import admin_page
from agents.admin.widgets.reason import ReasonForm
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet, FleetCount

MAX_LISTED = 50


def _action(operation: Operation) -> Callable[..., HttpResponse | None]:
    @admin.action(permissions=[operation.permission], description=operation.label)
    def act(
        model_admin: "Operations", request: HttpRequest, matching: AgentQuerySet
    ) -> HttpResponse | None:
        return model_admin.operate(request, matching, operation)

    act.__name__ = operation.name
    return act


class Operations(Undoing, ModelAdmin[AgentRecord]):
    """An agent's page posts its id as ticked, and as ``from_agent`` to return to."""

    actions = [_action(operation) for operation in OPERATIONS.values()]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_agentrecord"))

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.delete_agentrecord"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        posted = {name for name in request.POST.getlist("action") if name in OPERATIONS}
        if not posted <= set(self.get_actions(request)):
            raise PermissionDenied  # Django would report that no action was selected
        return super().changelist_view(request, extra_context)

    def operate(
        self, request: HttpRequest, matching: AgentQuerySet, operation: Operation
    ) -> HttpResponse | None:
        selection = read_selection(request, matching)
        is_confirmed = "confirmed" in request.POST
        form = ReasonForm(request.POST if is_confirmed else None, operation.reason_length)
        if is_confirmed and form.is_valid():
            return self._run(request, operation, selection, form.cleaned_data["reason"])
        count = selection.agents.count_fleet()
        if not _applicable(operation, count):
            return self._run(request, operation, selection, "")
        return self._confirm(request, operation, selection, form, count)

    def _run(
        self, request: HttpRequest, operation: Operation, selection: Selection, reason: str
    ) -> HttpResponse | None:
        actor = staff(request.user)
        outcome = run(operation, selection, actor=actor, reason=reason)
        level = messages.SUCCESS if outcome.is_complete else messages.WARNING
        tags = undo.tags_of(UNDO, operation.name, outcome.changes, actor)
        self.message_user(request, outcome.message, level, extra_tags=tags)
        url = _agent_page(request)
        return None if url is None else HttpResponseRedirect(url)

    def _confirm(
        self,
        request: HttpRequest,
        operation: Operation,
        selection: Selection,
        form: ReasonForm,
        count: FleetCount,
    ) -> TemplateResponse:
        applicable = _applicable(operation, count)
        listed = operation.applicable(selection.agents).with_read_at().order_by("pk")[:MAX_LISTED]
        noun = "expired agent" if operation.expired_only else "agent"
        return admin_page(
            self,
            request,
            "operation_confirmation.html",
            title=f"{operation.title} {cells.counted(applicable, noun)}?",
            operation=operation,
            form=form,
            count=count,
            skipped=count.registered - applicable,
            listed=[(agent, cells.lease(agent)) for agent in listed],
            unlisted=max(applicable - MAX_LISTED, 0),
            selection=selection,
            cancel_url=_agent_page(request) or request.get_full_path(),
            from_agent=request.POST.get("from_agent", ""),
            action_checkbox_name=ACTION_CHECKBOX_NAME,
        )


def _applicable(operation: Operation, count: FleetCount) -> int:
    return count.registered - (count.active if operation.expired_only else 0)


def _agent_page(request: HttpRequest) -> str | None:
    agent_id = request.POST.get("from_agent", "")
    if not agent_id or "\0" in agent_id:
        return None
    exists = AgentRecord.objects.filter(pk=agent_id).exists()
    return cells.agent_url(agent_id) if exists else None
