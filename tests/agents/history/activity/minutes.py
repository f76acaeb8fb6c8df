"""Shared by the tests of the activity: read the minutes, and cause heartbeats and events."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection
from django.utils import timezone

from agents import leases
from agents.models import ActivityMinute, AgentEvent, AgentRecord
from tests.factories import AgentFactory


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def total(name: str) -> int:
    return sum(ActivityMinute.objects.values_list(name, flat=True))


def minutes(name: str) -> dict[datetime, int]:
    rows = ActivityMinute.objects.exclude(**{name: 0})
    return dict(rows.values_list("minute", name))


def renew(times: int) -> None:
    AgentRecord.objects.filter(pk="renewed").exists() or AgentFactory.create(agent_id="renewed")
    for _ in range(times):
        leases.renew(agent_id="renewed")


def happen(kind: str, *, ago: float = 0) -> AgentEvent:
    at = timezone.now() - timedelta(seconds=ago)
    return AgentEvent.objects.create(agent_id="a", kind=kind, at=at, actor="agent")


@contextmanager
def database_failing() -> Iterator[None]:
    def fail(*_: Any) -> Any:
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        yield
