"""Deliveries to a receiver on a real socket."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import Settings
from standardwebhooks import Webhook

from agents.database.clock import database_now
from agents.encryption import decrypt, encrypt
from agents.history.record import Kind
from agents.models import AgentEvent, Channel, Delivery
from agents.notifications.channels import webhook
from agents.notifications.channels.secrets import new_secret
from agents.notifications.delivery import queue
from agents.notifications.delivery.backoff import pause_after, read_retry_after
from agents.notifications.delivery.run import deliver_due
from agents.notifications.delivery.turn import ChannelTurn
from agents.notifications.messages import Message
from agents.notifications.outbox import delivery_of
from agents.outbound.client import Limits
from agents.outbound.networks import Networks
from tests.agents.notifications.setup import make_channel
from tests.agents.racing import Together
from tests.agents.receiver import Received, Receiver, Reply, receiving

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _local_networks(settings: Settings) -> None:
    settings.NOTIFICATION_NETWORKS = Networks.parse(["127.0.0.1"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def channel(receiver: Receiver) -> Channel:
    return make_channel(url=f"{receiver.url}/hook")


def enqueue(channel: Channel, *agents: str) -> None:
    """Write a message for each agent, numbered; those without an id are summaries."""
    for number, agent_id in enumerate(agents, start=Delivery.objects.count()):
        type_ = "agent.expired" if agent_id else "summary"
        message = Message(type_, agent_id, json.dumps({"n": number}))
        delivery_of(message, channel, database_now()).save()


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def agents_of(received: list[Received]) -> list[int]:
    return [json.loads(one.body)["n"] for one in received]


def let_time_pass(time: timedelta) -> None:
    """Move everything that is stored into the past."""
    for model, names in (
        (Channel, ["retry_at", "failing_since", "last_success_at", "held_until"]),
        (Delivery, ["next_attempt_at", "first_failed_at"]),
    ):
        model._default_manager.update(**{name: F(name) - time for name in names})


def fail_with(status: int, **headers: str) -> Any:
    return lambda _received: Reply(status, headers)


class TestWebhooks:
    def test_a_message_is_signed_as_the_standard_says(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        enqueue(channel, "a")

        deliver_due()

        [received] = receiver.received
        verified = Webhook(decrypt(channel.encrypted_secret)).verify(
            received.body, dict(received.headers)
        )
        assert verified == {"n": 0}
        assert (received.method, received.path) == ("POST", "/hook")
        assert received.headers["content-type"] == "application/json"
        delivery = Delivery.objects.get()
        assert received.headers["webhook-id"] == delivery.message_id
        assert (delivery.state, delivery.attempts, delivery.answer) == ("delivered", 1, "200 OK")

    def test_the_old_secret_signs_too_for_a_day(self, channel: Channel, receiver: Receiver) -> None:
        old = decrypt(channel.encrypted_secret)
        new = new_secret(channel, database_now())
        channel.save()
        enqueue(channel, "a")
        deliver_due()

        for secret in (old, new):
            received = receiver.received[0]
            Webhook(secret).verify(received.body, dict(received.headers))
        Channel.objects.update(old_secret_until=F("old_secret_until") - 25 * HOUR)
        enqueue(channel, "a")
        deliver_due()

        assert len(receiver.received[1].headers["webhook-signature"].split()) == 1

    def test_each_attempt_has_the_same_id_and_body(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        receiver.script = fail_with(500)
        enqueue(channel, "a")
        deliver_due()
        receiver.script = fail_with(204)
        let_time_pass(HOUR)
        deliver_due()

        first, second = receiver.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert states() == ["delivered"]

    def test_a_redirect_is_a_failure_and_not_followed(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        with receiving() as other:
            receiver.script = fail_with(307, Location=other.url)
            enqueue(channel, "a")
            deliver_due()

        assert other.received == []
        assert states() == ["waiting"]
        assert Delivery.objects.get().answer == "307 Temporary Redirect"

    def test_other_networks_get_nothing(self, settings: Settings, receiver: Receiver) -> None:
        settings.NOTIFICATION_NETWORKS = Networks(public=True)
        enqueue(make_channel(url=receiver.url), "a")

        deliver_due()

        assert receiver.received == []
        assert "is not in the allowed networks (public)" in Delivery.objects.get().answer

    def test_a_name_that_moves_to_another_network_gets_nothing_more(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, answers = socket.getaddrinfo, ["127.0.0.1", "169.254.169.254"]
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *args, **options: real(
                answers.pop(0) if host == "rebinding.example" else host, *args, **options
            ),
        )
        channel = make_channel(url=f"http://rebinding.example:{receiver.port}/")
        for _ in range(2):
            enqueue(channel, "a")
            deliver_due()

        assert len(receiver.received) == 1
        assert states() == ["delivered", "waiting"]
        assert "169.254.169.254" in Delivery.objects.latest("pk").answer


class TestFailures:
    @pytest.mark.parametrize("status", [301, 401, 404, 408, 429, 500, 502, 503])
    def test_a_failing_receiver_is_tried_again_later(
        self, channel: Channel, receiver: Receiver, status: int
    ) -> None:
        receiver.script = fail_with(status)
        enqueue(channel, "a", "b")
        assert not deliver_due()
        failed = len(receiver.received)
        deliver_due()
        assert len(receiver.received) == failed == 2
        let_time_pass(HOUR)
        deliver_due()
        assert len(receiver.received) == failed + 1  # one message finds out
        receiver.script = fail_with(200)
        let_time_pass(HOUR)
        deliver_due()

        assert states() == ["delivered"] * 2
        channel.refresh_from_db()
        assert (channel.failures, channel.failing_since, channel.retry_at) == (0, None, None)
        assert (channel.delivered_total, channel.failures_total) == (2, 3)

    def test_retry_after_is_obeyed(self, channel: Channel, receiver: Receiver) -> None:
        receiver.script = lambda _: Reply(429, {"Retry-After": "600"})
        enqueue(channel, "a")
        deliver_due()

        for passed, attempts in ((595, 1), (10, 2)):
            let_time_pass(timedelta(seconds=passed))
            deliver_due()
            assert len(receiver.received) == attempts

    def test_gone_disables_the_channel_at_once(self, channel: Channel, receiver: Receiver) -> None:
        receiver.script = fail_with(410)
        enqueue(channel, "a")
        deliver_due()
        let_time_pass(HOUR)
        deliver_due()

        channel.refresh_from_db()
        assert not channel.is_enabled
        assert len(receiver.received) == 1
        event = AgentEvent.objects.get(kind=Kind.CHANNEL_DISABLED)
        assert event.reason == "hooks: the receiver is gone (410)"

    def test_a_channel_that_fails_for_a_day_is_disabled_and_keeps_its_messages(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        receiver.script = fail_with(500)
        enqueue(channel, "a")
        deliver_due()
        let_time_pass(23 * HOUR)
        deliver_due()
        assert Channel.objects.get().is_enabled
        let_time_pass(HOUR)
        deliver_due()

        disabled = Channel.objects.get()
        assert not disabled.is_enabled
        assert disabled.disabled_reason == "no success for 24 h: 500 Internal Server Error"
        assert AgentEvent.objects.filter(kind=Kind.CHANNEL_DISABLED).count() == 1
        assert states() == ["waiting"]
        receiver.script = fail_with(200)
        Channel.objects.update(is_enabled=True, retry_at=None)
        deliver_due()
        assert states() == ["delivered"]

    def test_a_refused_message_keeps_back_its_agents_next_for_an_hour_only(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        receiver.script = lambda one: Reply(400 if json.loads(one.body)["n"] == 0 else 200)
        enqueue(channel, "a", "a", "b")
        deliver_due()
        assert states() == ["waiting", "waiting", "delivered"]
        let_time_pass(timedelta(minutes=59))
        deliver_due()
        assert states() == ["waiting", "waiting", "delivered"]
        let_time_pass(HOUR)
        deliver_due()

        assert states() == ["given-up", "delivered", "delivered"]
        channel.refresh_from_db()
        assert (channel.given_up_total, channel.failures) == (1, 0)

    def test_a_message_that_breaks_the_receiver_does_not_keep_back_other_agents(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        receiver.script = lambda one: Reply(500 if json.loads(one.body)["n"] == 0 else 200)
        enqueue(channel, "a")
        deliver_due()
        enqueue(channel, "a", "b")
        for _ in range(6):
            let_time_pass(timedelta(minutes=20))
            deliver_due()

        assert states() == ["given-up", "delivered", "delivered"]

    def test_a_receiver_that_hangs_is_given_up(
        self, channel: Channel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webhook, "LIMITS", Limits(seconds=0.3))
        end = threading.Event()

        def hang(_received: Received) -> Reply:
            end.wait(30)
            return Reply()

        receiver.script = hang
        enqueue(channel, "a")
        try:
            deliver_due()
        finally:
            end.set()

        assert states() == ["waiting"]
        assert Delivery.objects.get().answer == "no answer within 0.3 s"

    def test_a_url_that_cannot_be_decrypted_is_reported(
        self, channel: Channel, settings: Settings
    ) -> None:
        enqueue(channel, "a")
        settings.SECRET_KEY = "another"

        deliver_due()

        assert "cannot be decrypted" in Delivery.objects.get().answer


class TestOrder:
    def test_messages_of_an_agent_go_one_after_the_other(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        busy: set[str] = set()
        overlaps = []

        def script(received: Received) -> Reply:
            number = json.loads(received.body)["n"]
            agent = "ab"[number % 2]
            if agent in busy:
                overlaps.append(number)
            busy.add(agent)
            busy.discard(agent)
            return Reply()

        receiver.script = script
        enqueue(channel, *["a", "b"] * 10)

        deliver_due()

        numbers = agents_of(receiver.received)
        assert len(numbers) == 20
        assert [n for n in numbers if n % 2 == 0] == list(range(0, 20, 2))
        assert [n for n in numbers if n % 2] == list(range(1, 20, 2))
        assert overlaps == []

    def test_the_order_is_kept_over_failures(self, channel: Channel, receiver: Receiver) -> None:
        calls = iter([500, 500, 200, 500, 200, 500, 200] + [200] * 20)
        receiver.script = lambda _: Reply(next(calls))
        enqueue(channel, *["a"] * 5)
        while "waiting" in states():
            deliver_due()
            let_time_pass(timedelta(minutes=15))

        numbers = agents_of(receiver.received)
        assert sorted(numbers) == numbers
        assert set(numbers) == set(range(5))

    def test_a_summary_waits_for_those_before_it_and_those_behind_wait_for_it(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        enqueue(channel, "a", "b", "", "c", "a")

        deliver_due()

        numbers = agents_of(receiver.received)
        assert set(numbers[:2]) == {0, 1}
        assert numbers[2] == 2
        assert set(numbers[3:]) == {3, 4}

    def test_a_summary_that_fails_lets_others_pass_after_a_while(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        receiver.script = lambda one: Reply(413 if json.loads(one.body)["n"] == 0 else 200)
        enqueue(channel, "", "a")
        deliver_due()
        let_time_pass(timedelta(minutes=5))
        deliver_due()
        assert states() == ["waiting", "waiting"]
        let_time_pass(timedelta(minutes=6))
        deliver_due()

        assert states() == ["waiting", "delivered"]


class TestWorkers:
    def test_only_one_worker_serves_a_channel(self, channel: Channel, receiver: Receiver) -> None:
        enqueue(channel, "a")
        assert ChannelTurn(channel.pk).take()

        assert not deliver_due()
        assert receiver.received == []
        assert not ChannelTurn(channel.pk).take()

    def test_another_takes_over_from_one_that_was_killed(self, channel: Channel) -> None:
        enqueue(channel, "a")
        ChannelTurn(channel.pk).take()
        let_time_pass(timedelta(seconds=31))

        deliver_due()

        assert states() == ["delivered"]

    @pytest.mark.django_db(transaction=True)
    def test_a_worker_that_lost_its_turn_stops(self, channel: Channel, receiver: Receiver) -> None:
        enqueue(channel, *["a"] * 5)

        def steal(_received: Received) -> Reply:
            with closing(connection):
                stolen = Channel.objects.filter(pk=channel.pk)
                stolen.update(holder="another", held_until=database_now() + HOUR)
            return Reply()

        receiver.script = steal
        deliver_due()

        assert len(receiver.received) == 1
        channel.refresh_from_db()
        assert channel.holder == "another"

    def test_it_stops_when_its_time_is_over(self, channel: Channel, receiver: Receiver) -> None:
        enqueue(channel, *["a"] * 3)

        assert deliver_due(seconds=0)
        assert len(receiver.received) == 1

    @pytest.mark.django_db(transaction=True)
    def test_several_channels_are_served_at_the_same_time(self) -> None:
        meeting = threading.Barrier(3, timeout=30)

        def meet(_received: Received) -> Reply:
            meeting.wait()
            return Reply()

        with receiving(meet) as receiver:
            for name in ("one", "two", "three"):
                enqueue(make_channel(name, url=receiver.url), "a")

            deliver_due()

        assert states() == ["delivered"] * 3

    @pytest.mark.django_db(transaction=True)
    def test_many_workers_deliver_each_message_once(self, together: Together) -> None:
        with receiving() as receiver:
            channel = make_channel(url=receiver.url)
            enqueue(channel, *[f"agent-{number % 7}" for number in range(40)])

            together(*[deliver_due for _ in range(4)])
            while deliver_due():
                pass

        assert len(receiver.received) == 40
        assert len({one.headers["webhook-id"] for one in receiver.received}) == 40


class TestMuting:
    def test_what_waits_on_a_muted_channel_is_not_sent(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        enqueue(channel, "a")
        Channel.objects.update(muted_until=datetime(2100, 1, 1, tzinfo=UTC))

        deliver_due()

        assert (states(), receiver.received) == (["muted"], [])


class TestBackoff:
    def test_pauses_double_up_to_ten_minutes_with_jitter(self) -> None:
        for failures, expected in ((1, 2), (2, 4), (5, 32), (9, 512), (10, 600), (1000, 600)):
            pauses = {pause_after(failures) for _ in range(50)}
            assert all(0.75 * expected <= pause <= 1.25 * expected for pause in pauses)
            assert len(pauses) > 1

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("120", 120),
            (" 5 ", 5),
            ("999999999999999999", 3600),
            ("-5", 0),
            ("soon", 0),
            ("", 0),
            ("Mon, 30 Nov 2026 12:01:00 GMT", 60),
            ("Mon, 30 Nov 2020 12:01:00 GMT", 0),
            ("Mon, 30 Nov 2026 12:01:00", 0),
        ],
    )
    def test_retry_after_is_seconds_or_a_date(self, text: str, seconds: float) -> None:
        now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

        assert read_retry_after(text, now) == seconds


def test_nothing_is_due_while_all_wait_for_one_that_is_tried_later(
    channel: Channel, receiver: Receiver
) -> None:
    """Otherwise workers would be asked again and again."""
    receiver.script = fail_with(400)
    enqueue(channel, *["a"] * 3)

    assert not deliver_due()
    assert not queue.due_channels()
    let_time_pass(timedelta(minutes=1))

    assert queue.due_channels() == [channel]


def test_a_long_queue_of_one_agent_does_not_hide_others(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(channel, *["a"] * 60, "b")

    found = queue.next_deliveries(channel, database_now(), 16)

    assert [one.agent_id for one in found] == ["a", "b"]


def test_secrets_are_encrypted_at_rest(channel: Channel) -> None:
    row = Channel.objects.filter(pk=channel.pk).values().get()

    assert "whsec_" not in str(row)
    assert decrypt(row["encrypted_secret"]).startswith("whsec_")
    assert encrypt("same") != encrypt("same")
