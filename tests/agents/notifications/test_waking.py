"""Who applies rules and delivers, and when."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.db.models import F
from kombu.exceptions import OperationalError
from pytest_django import Settings

from agents import tasks
from agents.database.clock import database_now
from agents.history.record import Kind, record_event
from agents.log_limits import LogLimit
from agents.models import Channel, Delivery
from agents.notifications import wake
from agents.notifications.retention import delete_old_deliveries
from agents.notifications.wake import Waker
from agents.outbound.networks import Networks
from tests.agents.notifications.setup import dispatch_all, make_channel, make_rule
from tests.agents.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that the broker gets."""
    calls: list[str] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, **_options: calls.append(name), raising=False
    )
    return calls


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.NOTIFICATION_NETWORKS = Networks.parse(["127.0.0.1"])
    with receiving() as receiver:
        yield receiver


def event(agent_id: str = "a") -> None:
    record_event(Kind("drained"), agent_id=agent_id, actor="agent")


class TestWaker:
    def test_a_worker_is_asked_only_if_something_is_due(self, calls: list[str]) -> None:
        make_rule("drained", channel=make_channel())
        assert not Waker().wake_if_due()
        event()
        dispatch_all()

        assert Waker().wake_if_due()
        assert calls == ["agents.send_notifications"]

    @pytest.mark.usefixtures("calls")
    @pytest.mark.parametrize("field", ["retry_at", "held_until"])
    def test_what_waits_for_later_is_not_due(self, field: str) -> None:
        channel = make_channel()
        make_rule("drained", channel=channel)
        event()
        dispatch_all()
        Channel.objects.update(**{field: database_now() + timedelta(minutes=1)})

        assert not Waker().wake_if_due()

    @pytest.mark.usefixtures("calls")
    def test_without_a_worker_it_asks_less_and_less_often(self) -> None:
        make_rule("drained", channel=make_channel())
        event()
        dispatch_all()
        now = 0.0
        waker = Waker(lambda: now)
        asked = []
        while now < 64:
            if waker.wake_if_due():
                asked.append(now)
            now += 1

        assert asked == [0, 1, 3, 7, 15, 31, 63]
        Delivery.objects.update(state="delivered")
        assert not waker.wake_if_due()
        Delivery.objects.update(state="waiting")
        assert waker.wake_if_due()

    def test_a_broker_that_is_away_is_logged_and_no_error(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_arguments: object, **_options: object) -> None:
            raise OperationalError("Connection refused")

        monkeypatch.setattr(wake, "_limit", LogLimit(60.0))
        monkeypatch.setattr(current_app, "send_task", fail, raising=False)

        wake.wake_worker()

        assert "no worker can be asked to deliver: Connection refused" in caplog.text


class TestTask:
    def test_it_applies_rules_and_delivers(self, calls: list[str], receiver: Receiver) -> None:
        make_rule("drained", channel=make_channel(url=receiver.url))
        event()

        tasks.send_notifications()

        assert len(receiver.received) == 1
        assert calls == []

    def test_it_asks_for_another_run_when_there_is_more(
        self, calls: list[str], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agents.notifications.dispatch.MAX_EVENTS", 1)
        make_rule("drained", channel=make_channel(url=receiver.url))
        event("a")
        event("b")

        tasks.send_notifications()

        assert len(receiver.received) == 1
        assert calls == ["agents.send_notifications"]


def test_old_deliveries_are_deleted() -> None:
    make_rule("drained", channel=make_channel())
    for number in range(5):
        event(f"agent-{number}")
    dispatch_all()
    kept = Delivery.objects.latest("pk")
    old = Delivery.objects.exclude(pk=kept.pk)
    old.update(created_at=F("created_at") - timedelta(days=30, seconds=1))
    kept.created_at -= timedelta(days=29, hours=23)
    kept.save()

    assert delete_old_deliveries(days=30, batch_size=2) == 4
    assert Delivery.objects.get() == kept
