"""Chooses the next deliveries of a channel.

Those of one agent go one after the other. A delivery without an agent, such as a summary, waits for
all before it, and all after it wait for it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from agents.database.clock import DatabaseNow, database_now
from agents.models import Channel, Delivery

# Mostly the first page has enough.
PAGES = (50, *[500] * 10)
MOST_COMPARED = 500
# After this, those behind a failing delivery without an agent go first.
LONGEST_BARRIER = timedelta(minutes=10)

WAITING = Q(state=Delivery.State.WAITING)


def due_channels() -> list[Channel]:
    """Return channels with a delivery due that no worker serves."""
    candidates = list(_candidates())
    now = database_now() if candidates else None
    return [one for one in candidates if now and next_deliveries(one, now, 1)]


def number_waiting() -> Coalesce:
    """Return an expression for how many messages wait for a channel."""
    waiting = Delivery.objects.filter(WAITING, channel=OuterRef("pk")).order_by()
    count = waiting.values("channel").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(count), 0, output_field=IntegerField())


def _candidates() -> QuerySet[Channel]:
    """What is due may still wait for another delivery."""
    now = DatabaseNow()
    due = Delivery.objects.filter(
        WAITING,
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=now),
        channel=OuterRef("pk"),
    )
    return Channel.objects.filter(
        Q(held_until=None) | Q(held_until__lte=now),
        Q(retry_at=None) | Q(retry_at__lte=now),
        Exists(due),
        is_enabled=True,
    ).order_by(F("last_success_at").asc(nulls_first=True))


def next_deliveries(channel: Channel, now: datetime, limit: int) -> list[Delivery]:
    """Return up to `limit` deliveries that may be attempted at the same time.

    While the channel fails, those with the fewest attempts: one that always fails must not block
    the others.
    """
    eligible = _eligible(_waiting(channel), now)
    if channel.failures:
        first = min(
            islice(eligible, MOST_COMPARED), key=lambda one: (one.attempts, one.pk), default=None
        )
        found = [] if first is None else [first]
    else:
        found = list(islice(eligible, limit))
    return list(channel.deliveries.filter(pk__in=[one.pk for one in found]).order_by("pk"))


def _waiting(channel: Channel) -> Iterator[Delivery]:
    """Yield the first ones, without their bodies."""
    waiting = channel.deliveries.filter(WAITING).order_by("pk").defer("body")
    last = 0
    for size in PAGES:
        page = list(waiting.filter(pk__gt=last)[:size])
        yield from page
        if len(page) < size:
            return
        last = page[-1].pk


def _eligible(waiting: Iterable[Delivery], now: datetime) -> Iterator[Delivery]:
    """`waiting`: in their order."""
    agents: set[str] = set()
    is_first = True
    for delivery in waiting:
        is_due = delivery.next_attempt_at is None or delivery.next_attempt_at <= now
        if not delivery.agent_id:
            if is_first and is_due:
                yield delivery
            failed = delivery.first_failed_at
            if failed is None or now - failed < LONGEST_BARRIER:
                return
            continue
        is_first = False
        if delivery.agent_id not in agents:
            agents.add(delivery.agent_id)
            if is_due:
                yield delivery
