"""What an operator does to agents: doors to `agents.leases`, for one agent or for many."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.forms import BooleanField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from agents import leases
from agents.actors import staff
from agents.admin import cells
from agents.leases import UnknownAgent
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet

State = AgentRecord.State
# So many agents are named where all are counted.
MOST_NAMED = 50
# Each agent is a transaction of its own, so that heartbeats get their turn in between; and one
# request does not work on after a proxy has given it up.
LONGEST_SECONDS = 45
CHUNK = 500


class Walk:
    """The ids of agents, read by chunks while the agents are being dealt with.

    It ends early, and is `cut_short`, when it has taken LONGEST_SECONDS.
    """

    def __init__(self, agents: AgentQuerySet) -> None:
        self.cut_short = False
        self._ids = agents.order_by("pk").values_list("pk", flat=True)

    def __iter__(self) -> Iterator[str]:
        end = time.monotonic() + LONGEST_SECONDS
        chunk = list(self._ids[:CHUNK])
        while chunk:
            for agent_id in chunk:
                if time.monotonic() > end:
                    self.cut_short = True
                    return
                yield agent_id
            chunk = list(self._ids.filter(pk__gt=chunk[-1])[:CHUNK])


class Operations(ModelAdmin[AgentRecord]):
    """The actions, each with Django's permission for it, and what it did as a message.

    They are posted by the list, with what was ticked there, and by an agent's page, which names
    itself as ``from_agent`` so that the answer leads back to it.
    """

    actions = ["drain", "quarantine", "resume", "purge", "deregister"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_agentrecord"))

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.delete_agentrecord"))

    @admin.action(permissions=["operate"], description="Drain the selected agents")
    def drain(self, request: HttpRequest, matching: AgentQuerySet) -> HttpResponse | None:
        return self._set_state(request, matching, State.DRAINING)

    @admin.action(permissions=["operate"], description="Quarantine the selected agents")
    def quarantine(self, request: HttpRequest, matching: AgentQuerySet) -> HttpResponse | None:
        return self._set_state(request, matching, State.QUARANTINED)

    @admin.action(permissions=["operate"], description="Resume the selected agents")
    def resume(self, request: HttpRequest, matching: AgentQuerySet) -> HttpResponse | None:
        return self._set_state(request, matching, State.ACTIVE)

    @admin.action(permissions=["remove"], description="Purge those of the selected that expired")
    def purge(self, request: HttpRequest, matching: AgentQuerySet) -> HttpResponse | None:
        chosen = _chosen(request, matching)
        walk = Walk(chosen.expired())
        actor = staff(request.user)
        purged = sum(leases.purge(agent_id=agent_id, actor=actor) for agent_id in walk)
        alive = chosen.alive().count()
        said = [f"{cells.agents(purged)} purged"]
        if alive:
            said.append(f"{alive:,} left, because {'it is' if alive == 1 else 'they are'} alive")
        return self._answer(request, said, done=purged, found=purged + alive, walk=walk)

    @admin.action(permissions=["remove"], description="Deregister the selected agents")
    def deregister(self, request: HttpRequest, matching: AgentQuerySet) -> HttpResponse | None:
        chosen = _chosen(request, matching)
        if "confirmed" not in request.POST and chosen.exists():
            return self._confirm_deregistering(request, chosen)
        walk = Walk(chosen)
        gone = 0
        for agent_id in walk:
            with suppress(UnknownAgent):
                leases.deregister(agent_id=agent_id, actor=staff(request.user))
                gone += 1
        said = [f"{cells.agents(gone)} deregistered"]
        return self._answer(request, said, done=gone, found=gone, walk=walk)

    def _set_state(
        self, request: HttpRequest, matching: AgentQuerySet, state: State
    ) -> HttpResponse | None:
        walk = Walk(_chosen(request, matching))
        counts = Counter[bool]()
        for agent_id in walk:
            with suppress(UnknownAgent):
                actor = staff(request.user)
                changed = leases.set_state(agent_id=agent_id, state=state, actor=actor)
                counts[changed] += 1
        said = [f"{cells.agents(counts[True])} {leases.STATE_EVENTS[state].value}"]
        if same := counts[False]:
            said.append(f"{same:,} {'was' if same == 1 else 'were'} {state.value} already")
        return self._answer(request, said, done=counts[True], found=counts.total(), walk=walk)

    def _answer(
        self, request: HttpRequest, said: list[str], *, done: int, found: int, walk: Walk
    ) -> HttpResponse | None:
        """Say what was done, and how many of the ticked agents were `found` no more."""
        if walk.cut_short:
            said.append(f"stopped after {LONGEST_SECONDS} s: do it again for the rest")
        elif not _is_across(request) and (missing := len(_ticked(request)) - found) > 0:
            said.append(f"{missing:,} had no record any more")
        level = messages.SUCCESS if done and not walk.cut_short else messages.WARNING
        self.message_user(request, f"{'; '.join(said)}.", level)
        agent_id = request.POST.get("from_agent")
        if agent_id and AgentRecord.objects.filter(pk=agent_id).exists():
            return HttpResponseRedirect(cells.agent_url(agent_id))
        return None

    def _confirm_deregistering(
        self, request: HttpRequest, chosen: AgentQuerySet
    ) -> TemplateResponse:
        count = chosen.count_fleet()
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"Deregister {cells.agents(count.registered)}?",
            "opts": self.opts,
            "media": self.media,
            "count": count,
            "named": chosen.with_read_at().order_by("pk")[:MOST_NAMED],
            "unnamed": max(count.registered - MOST_NAMED, 0),
            "ticked": _ticked(request)[:1] if _is_across(request) else _ticked(request),
            "across": _is_across(request),
            "cancel_url": request.get_full_path(),
            "from_agent": request.POST.get("from_agent", ""),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        template = "admin/agents/agentrecord/deregister_confirmation.html"
        return TemplateResponse(request, template, context)


def _ticked(request: HttpRequest) -> list[str]:
    return list(dict.fromkeys(filter(None, request.POST.getlist(ACTION_CHECKBOX_NAME))))


def _is_across(request: HttpRequest) -> bool:
    """Whether all that match were chosen, on whatever page."""
    return bool(BooleanField(required=False).clean(request.POST.get("select_across")))


def _chosen(request: HttpRequest, matching: AgentQuerySet) -> AgentQuerySet:
    """Return the ticked agents, or, across pages, those that match the list's filters now.

    A ticked agent stays chosen though it match no more: "alive" may have ended meanwhile.
    """
    return matching if _is_across(request) else AgentRecord.objects.filter(pk__in=_ticked(request))
