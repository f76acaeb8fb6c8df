import time
from collections import Counter
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse

from agents import leases
from agents.actors import staff
from agents.admin.agents.operations.kinds import OPERATIONS
from agents.admin.widgets import id_chunks, undo
from agents.admin.widgets.cells import counted
from agents.admin.widgets.undo import Change
from agents.models import AgentRecord, Undo

CHANGE = "agents.change_agentrecord"
UNDO = "admin:agents_agentrecord_undo"
UNDOABLE = [name for name, operation in OPERATIONS.items() if operation.restores]


class Undoing(ModelAdmin[AgentRecord]):
    def undo(self, request: HttpRequest, key: UUID) -> HttpResponse:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        fleet = reverse("admin:agents_agentrecord_changelist")
        taken = undo.take(request, key, UNDOABLE)
        if taken is None:
            text = "It is too late to undo this, or it has been undone already."
            self.message_user(request, text, messages.WARNING)
            return undo.back(request, fleet)
        actor = staff(request.user)
        text, rest = _take_back(taken, actor)
        tags = undo.tags_of(UNDO, taken.operation, rest, actor)
        level = messages.WARNING if rest else messages.SUCCESS
        self.message_user(request, text, level, extra_tags=tags)
        return undo.back(request, fleet)


def _take_back(taken: Undo, actor: str) -> tuple[str, list[Change]]:
    """Return what to say, and what there was no time for."""
    is_state = OPERATIONS[taken.operation].restores == "state"
    restore = _restore_state if is_state else _restore_lease
    done = Counter[str]()
    end = time.monotonic() + id_chunks.MAX_SECONDS
    for place, change in enumerate(taken.changes):
        if time.monotonic() > end:
            rest = taken.changes[place:]
            return f"{_in_words(taken, done)} Stopped: undo again for the rest.", rest
        try:
            done["restored" if restore(taken, change, actor) else "changed"] += 1
        except leases.UnknownAgent:
            done["gone"] += 1
    return _in_words(taken, done), []


def _restore_state(taken: Undo, change: Change, actor: str) -> bool:
    agent_id, before, after = map(str, change)
    return leases.take_back_state(
        agent_id=agent_id, before=before, after=after, position=taken.position, actor=actor
    )


def _restore_lease(_taken: Undo, change: Change, actor: str) -> bool:
    agent_id, before, after = change
    return leases.take_back_extension(
        agent_id=str(agent_id),
        before=undo.time_of(before),
        after=undo.time_of(after),
        actor=actor,
    )


def _in_words(taken: Undo, done: Counter[str]) -> str:
    parts = [f"{taken.operation.capitalize()} undone for {counted(done['restored'], 'agent')}"]
    if changed := done["changed"]:
        has = "has" if changed == 1 else "have"
        parts.append(f"{changed:,} {has} changed since and {_be(changed)} left alone")
    if gone := done["gone"]:
        parts.append(f"{gone:,} {_be(gone)} no longer registered")
    return f"{'; '.join(parts)}."


def _be(count: int) -> str:
    return "was" if count == 1 else "were"
