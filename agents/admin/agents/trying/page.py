from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from agents.actors import staff
from agents.admin.agents.addresses import base_url
from agents.admin.agents.card import known_card
from agents.admin.agents.trying.form import JobForm, RunForm
from agents.admin.agents.trying.shown import Shown, shown
from agents.admin.widgets import cells
from agents.admin.widgets.pages import admin_page
from agents.models import AgentRecord
from agents.states import State
from agents.trials.run import read_job, read_schema, run_agent

OPERATE = "agents.change_agentrecord"


def may_try(request: HttpRequest) -> bool:
    return settings.TRY_NETWORKS is not None and request.user.has_perm(OPERATE)


class Trying(ModelAdmin[AgentRecord]):
    """Runs an agent, and shows its answer. Nothing of it is kept but that it was tried."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"try_url": _url(object_id)} if may_try(request) else {}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def try_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if settings.TRY_NETWORKS is None:
            raise Http404
        if not request.user.has_perm(OPERATE):
            raise PermissionDenied
        agent = self.get_object(request, unquote(object_id))
        if agent is None:
            return HttpResponseRedirect(cells.agent_url(unquote(object_id)))
        if request.method == "POST" and "job" in request.POST:
            return self._try_job(request, agent)
        if request.method == "POST":
            return self._try_run(request, agent)
        schema = read_schema(agent)
        problem = None if schema.is_good else shown(schema)
        return self._try_page(request, agent, form=RunForm(schema.json()), schema_problem=problem)

    def _try_run(self, request: HttpRequest, agent: AgentRecord) -> HttpResponse:
        form = RunForm.posted(request.POST)
        answer, job = None, None
        if form.is_valid():
            entered = form.cleaned_data
            reply = run_agent(
                agent, entered["values"], actor=staff(request.user), token=entered["token"]
            )
            answer = shown(reply)
            job = _job_form(answer)
        return self._try_page(request, agent, form=form, answer=answer, job=job)

    def _try_job(self, request: HttpRequest, agent: AgentRecord) -> HttpResponse:
        entered = JobForm(request.POST, label_suffix="")
        if not entered.is_valid():
            return self._try_page(request, agent, job=entered)
        job, token = entered.cleaned_data["job"], entered.cleaned_data["token"]
        answer = shown(read_job(agent, job, token=token))
        return self._try_page(request, agent, answer=answer, job=_job_form(answer))

    def _try_page(self, request: HttpRequest, agent: AgentRecord, **context: Any) -> HttpResponse:
        response = admin_page(
            self,
            request,
            "try.html",
            title=f"Try {agent.agent_id}",
            agent_id=agent.agent_id,
            agent=agent,
            agent_url=cells.agent_url(agent.agent_id),
            try_url=_url(quote(agent.agent_id)),
            card=known_card(agent),
            base_url=base_url(agent),
            is_quarantined=agent.state == State.QUARANTINED,
            **context,
        )
        add_never_cache_headers(response)
        return response


def _job_form(answer: Shown) -> JobForm | None:
    return JobForm(initial={"job": answer.job}, label_suffix="") if answer.job else None


def _url(quoted_id: str) -> str:
    return reverse("admin:agents_agentrecord_try", args=[quoted_id])
