"""How notifications are doing."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.models import Channel
from agents.notifications.delivery.queue import number_waiting


@dataclass(frozen=True)
class ChannelReport:
    name: str
    waiting: int
    works: bool
    delivered: int
    given_up: int
    failures: int


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
