from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from agents.models import Channel
from agents.notifications.delivery.queue import number_waiting

PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class ChannelReport:
    name: str
    waiting: int
    works: bool
    delivered: int
    given_up: int
    failures: int


def failing_channels(now: datetime) -> list[str]:
    """Return the names of channels that have failed for a while, or were disabled for that."""
    failed = Q(is_enabled=True, failing_since__lte=now - PATIENCE)
    gave_up = Q(is_enabled=False) & ~Q(disabled_reason="")
    return list(Channel.objects.filter(failed | gave_up).values_list("name", flat=True))


def report_channels() -> Sequence[ChannelReport]:
    """Leave out those that people have disabled."""
    return [
        ChannelReport(
            name=channel.name,
            waiting=channel.waiting,
            works=channel.is_enabled and not channel.failures,
            delivered=channel.delivered_total,
            given_up=channel.given_up_total,
            failures=channel.failures_total,
        )
        for channel in Channel.objects.annotate(waiting=number_waiting())
        if channel.is_enabled or channel.disabled_reason
    ]
