"""Problems that people have muted, each for a while. Every mute is in the history."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction

from agents.attention.problems import Problem
from agents.database.clock import DatabaseNow, NowPlus
from agents.durations import in_words
from agents.history.record import Kind, record_event
from agents.models import MAX_REASON_LENGTH, Mute

MUTES = {
    "1": timedelta(hours=1),
    "8": timedelta(hours=8),
    "24": timedelta(days=1),
    "168": timedelta(days=7),
}


def active_mutes() -> Sequence[Mute]:
    """Return those that have not ended, the next to end first."""
    return list(Mute.objects.filter(until__gt=DatabaseNow()).order_by("until", "pk"))


def mute(
    *, agent_id: str, problems: Iterable[Problem], duration: timedelta, actor: str, reason: str = ""
) -> None:
    """Mute problems of an agent, or of the registry (""), from now on."""
    chosen = list(problems)
    seconds = duration.total_seconds()
    words = f"{', '.join(problem.words for problem in chosen)} for {in_words(seconds)}"
    with transaction.atomic():
        Mute.objects.filter(until__lte=DatabaseNow()).delete()
        Mute.objects.bulk_create(
            [
                Mute(
                    agent_id=agent_id,
                    problem=problem,
                    until=NowPlus(seconds),
                    muted_at=DatabaseNow(),
                    muted_by=actor,
                    reason=reason,
                )
                for problem in chosen
            ],
            update_conflicts=True,
            unique_fields=["agent_id", "problem"],
            update_fields=["until", "muted_at", "muted_by", "reason"],
        )
        text = f"{words}: {reason}" if reason else words
        record_event(Kind.MUTED, agent_id=agent_id, actor=actor, reason=text[:MAX_REASON_LENGTH])


def unmute(number: int, *, actor: str) -> Mute | None:
    """Return the mute that was ended, None if it had ended."""
    with transaction.atomic():
        found = Mute.objects.filter(pk=number, until__gt=DatabaseNow()).first()
        if found is None or not Mute.objects.filter(pk=number).delete()[0]:
            return None
        record_event(Kind.UNMUTED, agent_id=found.agent_id, actor=actor, reason=found.words)
    return found
