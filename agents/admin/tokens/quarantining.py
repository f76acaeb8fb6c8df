"""Revokes a token and quarantines the agents that it registered, by one operation."""

from contextlib import suppress
from functools import partial

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from agents.actors import staff
from agents.admin.widgets import cells, id_chunks, undo
from agents.admin.widgets.pages import admin_page
from agents.admin.widgets.reason import ReasonForm
from agents.leases import UnknownAgent, set_state
from agents.models import MAX_REASON_LENGTH, AccessToken, AgentRecord
from agents.querysets import AgentQuerySet
from agents.states import State
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache

PERMISSIONS = ("agents.change_accesstoken", "agents.change_agentrecord")
MOST_LISTED = 50
# Of the agents, not of the token.
UNDO = "admin:agents_agentrecord_undo"
# After the token's key in each agent's history.
LONGEST_REASON = MAX_REASON_LENGTH - 32


class Quarantining(ModelAdmin[AccessToken]):
    def may_quarantine(self, request: HttpRequest) -> bool:
        return request.user.has_perms(PERMISSIONS)

    def quarantine(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.may_quarantine(request):
            raise PermissionDenied
        token = self.get_object(request, str(pk))
        if token is None:
            raise Http404
        longest = min(access_tokens.longest_reason(token), LONGEST_REASON)
        form = ReasonForm(request.POST or None, longest)
        if request.method == "POST" and form.is_valid():
            self._quarantine(request, token, form.cleaned_data["reason"])
            return HttpResponseRedirect(cells.token_url(token))
        agents = affected(token)
        count = agents.count_fleet()
        listed = agents.with_read_at().order_by("pk")[:MOST_LISTED]
        counted = cells.counted(count.registered, "agent")
        return admin_page(
            self,
            request,
            "quarantine_confirmation.html",
            title=f"Quarantine {counted}?"
            if token.revoked_at
            else f"Revoke {token.name} and quarantine {counted}?",
            token=token,
            form=form,
            count=count,
            seconds=round(token_cache.SECONDS),
            listed=[(agent, cells.lease(agent)) for agent in listed],
            unlisted=max(count.registered - MOST_LISTED, 0),
            cancel_url=cells.token_url(token),
        )

    def _quarantine(self, request: HttpRequest, token: AccessToken, reason: str) -> None:
        actor = staff(request.user)
        # First: a revoked token registers no others.
        was_good = access_tokens.revoke(key=token.key, actor=actor, reason=reason)
        ids = id_chunks.IdsInChunks(affected(token))
        changes = undo.Changes("state")
        for agent_id in ids:
            change = partial(
                set_state,
                agent_id=agent_id,
                state=State.QUARANTINED,
                actor=actor,
                reason=_because(token, reason),
            )
            with suppress(UnknownAgent):
                changes.make(agent_id, change)
        text = f"{'Revoked' if was_good else 'Already revoked'}; "
        text += f"{cells.counted(len(changes.made), 'agent')} quarantined."
        if ids.timed_out:
            text += f" Stopped after {id_chunks.MAX_SECONDS} s: run it again for the rest."
        level = messages.WARNING if ids.timed_out else messages.SUCCESS
        tags = undo.tags_of(UNDO, State.QUARANTINED.verb, changes.made, actor)
        self.message_user(request, text, level, extra_tags=tags)


def _because(token: AccessToken, reason: str) -> str:
    return f"token {token.key} revoked: {reason}".removesuffix(": ")


def affected(token: AccessToken) -> AgentQuerySet:
    return AgentRecord.objects.filter(enrolled_by=token.key).exclude(state=State.QUARANTINED)
