from datetime import timedelta

import pytest
from django.utils import timezone

from agents import leases
from agents.history.retention import delete_old_history
from agents.models import ActivityMinute, AgentEvent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
def test_old_events_are_deleted(batch_size: int) -> None:
    for agent_id in ("old", "older"):
        leases.register(agent_id=agent_id, host="h", port=1)
    AgentEvent.objects.update(at=timezone.now() - timedelta(days=90, seconds=1))
    leases.register(agent_id="new", host="h", port=1)

    assert delete_old_history(days=90, batch_size=batch_size) == 2
    assert AgentEvent.objects.get().agent_id == "new"


def test_activity_is_kept_as_long_as_events() -> None:
    now = timezone.now()
    for days in (89, 91):
        ActivityMinute.objects.create(minute=now - timedelta(days=days), heartbeats=days)

    delete_old_history(days=90)

    assert ActivityMinute.objects.get().heartbeats == 89
