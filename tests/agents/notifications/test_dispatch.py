"""Which messages rules make of events."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.conf import settings
from django.db import transaction

from agents import leases
from agents.history import feed
from agents.history.record import Kind, record_event
from agents.leases.expiry.lookout import Lookout
from agents.models import AgentEvent, AgentRecord, DispatchMark, HeldEvent, Rule
from agents.notifications import dispatch as dispatching
from agents.notifications.dispatch import dispatch
from tests.agents.notifications.setup import (
    dispatch_all,
    last_message,
    make_channel,
    make_rule,
    sent,
)
from tests.agents.racing import Together, postgresql_only

pytestmark = pytest.mark.django_db

E = Kind.EXPIRED


def register(agent_id: str, **fields: object) -> None:
    leases.register(agent_id=agent_id, host="10.0.0.7", port=8000, **fields)  # type: ignore[arg-type]


def event(kind: str, agent_id: str = "a", seconds_ago: float = 0) -> AgentEvent:
    record_event(Kind(kind), actor="agent", agent_id=agent_id)
    written = AgentEvent.objects.latest("pk")
    if seconds_ago:
        AgentEvent.objects.filter(pk=written.pk).update(
            at=written.at - timedelta(seconds=seconds_ago)
        )
    return written


def all_due() -> None:
    HeldEvent.objects.update(due_at=datetime(2020, 1, 1, tzinfo=UTC))


class TestRules:
    def test_an_event_of_a_rule_is_sent_to_each_of_its_channels(self) -> None:
        rule = make_rule("drained", channel=make_channel("one"))
        rule.channels.add(make_channel("two"))
        event("drained")
        event("resumed")

        dispatch_all()

        assert sent() == [("agent.drained", "a"), ("agent.drained", "a")]

    def test_each_event_is_dispatched_once(self) -> None:
        make_rule("drained")
        event("drained")
        dispatch_all()
        dispatch_all()

        assert len(sent()) == 1
        assert DispatchMark.objects.get().position == feed.newest_position()

    def test_a_rule_begins_with_the_events_after_it(self) -> None:
        event("drained")
        make_rule("drained")
        event("drained", "later")

        dispatch_all()

        assert sent() == [("agent.drained", "later")]

    def test_a_rule_that_is_off_sends_nothing_and_misses_events_for_good(self) -> None:
        rule = make_rule("drained", is_enabled=False)
        event("drained")
        dispatch_all()
        Rule.objects.filter(pk=rule.pk).update(is_enabled=True)
        dispatch_all()

        assert sent() == []

    def test_messages_of_several_rules_are_in_the_order_of_the_events(self) -> None:
        make_rule("drained", "resumed")
        make_rule("drained", "resumed")
        event("drained")
        event("resumed")

        dispatch_all()

        kinds = [kind for kind, _ in sent()]
        assert kinds == ["agent.drained"] * 2 + ["agent.resumed"] * 2

    def test_events_of_the_registry_match_rules_without_a_filter(self) -> None:
        make_rule("purge-held")
        make_rule("purge-held", filter="tag=gpu")
        event("purge-held", "")

        dispatch_all()

        assert sent() == [("registry.purge_held", "")]

    def test_a_muted_channel_only_logs_and_a_disabled_one_does_not_even_that(self) -> None:
        muted = make_channel("muted", muted_until=datetime(2100, 1, 1, tzinfo=UTC))
        rule = make_rule("drained", channel=muted)
        rule.channels.add(make_channel("disabled", is_enabled=False))
        event("drained")

        dispatch_all()

        assert [one.state for one in muted.deliveries.all()] == ["muted"]
        assert len(sent()) == 1

    def test_many_events_take_several_transactions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dispatching, "MAX_EVENTS", 2)
        make_rule("drained")
        for number in range(5):
            event("drained", f"agent-{number}")

        assert dispatch()
        assert len(sent()) == 2
        dispatch_all()

        assert [agent_id for _, agent_id in sent()] == [f"agent-{number}" for number in range(5)]

    def test_a_rule_that_cannot_be_read_stops_no_other(self) -> None:
        make_rule("drained", filter="no-such=filter")
        make_rule("drained")
        event("drained")

        dispatch_all()

        assert len(sent()) == 1


class TestFilters:
    def test_living_agents_are_filtered_as_they_are(self) -> None:
        register("with", tags=["gpu"])
        register("without")
        make_rule("drained", filter="tag=gpu&meta.region=")
        event("drained", "with")
        event("drained", "without")

        dispatch_all()

        assert sent() == [("agent.drained", "with")]
        message = last_message()
        assert message["type"] == "agent.drained"
        assert message["data"]["agent"]["tags"] == ["gpu"]
        assert message["data"]["agent"]["host"] == "10.0.0.7"
        assert message["data"]["event"]["kind"] == "drained"

    @pytest.mark.parametrize(
        ("filter_", "matches"),
        [
            ("tag=gpu&version=1.4", True),
            ("version=%3E%3D1.2%2C%3C2", True),
            ("version=%3E%3D2", False),
            ("tag=cpu", False),
            ("meta.region=eu", True),
            ("meta.region=us", False),
            ("search=PAINT", True),
        ],
    )
    def test_agents_that_are_gone_are_filtered_by_their_last_record(
        self, filter_: str, matches: bool
    ) -> None:
        make_rule("deregistered", "quarantined", filter=filter_)
        register("painter", tags=["gpu"], version="1.4", metadata={"region": "eu"})
        event("quarantined", "painter")
        leases.deregister(agent_id="painter")

        dispatch_all()

        expected = [("agent.quarantined", "painter"), ("agent.deregistered", "painter")]
        assert sent() == (expected if matches else [])
        if matches:
            assert last_message()["data"]["agent"]["metadata"] == {"region": "eu"}

    def test_an_event_of_an_agent_that_never_was_matches_no_filter(self) -> None:
        make_rule("refused", filter="tag=gpu")
        make_rule("refused")
        event("refused", "stranger")

        dispatch_all()

        assert len(sent()) == 1
        assert last_message()["data"]["agent"] is None


class TestLasting:
    def test_it_is_sent_when_the_state_has_lasted(self) -> None:
        make_rule("expired", for_seconds=60)
        event(E, seconds_ago=59)
        event(E, "b", seconds_ago=61)

        dispatch_all()
        assert sent() == [("agent.expired", "b")]
        all_due()
        dispatch_all()

        assert sent() == [("agent.expired", "b"), ("agent.expired", "a")]
        assert not HeldEvent.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "undone_by"),
        [
            ("expired", "recovered"),
            ("expired", "re-registered"),
            ("expired", "deregistered"),
            ("recovered", "expired"),
            ("registered", "purged"),
            ("drained", "resumed"),
            ("drained", "quarantined"),
            ("quarantined", "deregistered"),
            ("purged", "registered"),
            ("probe-failed", "probe-recovered"),
            ("probe-failed", "re-registered"),
            ("probe-recovered", "expired"),
        ],
    )
    def test_it_is_not_sent_when_the_state_has_changed(self, kind: str, undone_by: str) -> None:
        make_rule(kind, for_seconds=60)
        event(undone_by, seconds_ago=90)
        event(kind, seconds_ago=61)
        event(undone_by)

        dispatch_all()

        assert sent() == []
        assert not HeldEvent.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "later"),
        [
            ("expired", "purged"),
            ("drained", "expired"),
            ("probe-failed", "expired"),
            ("drained", "drained"),
            ("refused", "refused"),
        ],
    )
    def test_other_events_do_not_end_a_state(self, kind: str, later: str) -> None:
        make_rule(kind, for_seconds=60)
        event(kind, seconds_ago=61)
        event(later, seconds_ago=0)

        dispatch_all()

        assert sent() == [(f"agent.{kind.replace('-', '_')}", "a")]

    def test_events_of_other_agents_do_not_end_it(self) -> None:
        make_rule(E, for_seconds=60)
        event(E, seconds_ago=61)
        event("recovered", "b")

        dispatch_all()

        assert sent() == [("agent.expired", "a")]

    def test_an_agent_that_was_renewed_a_moment_ago_is_back(self) -> None:
        """The history has its recovery within a second."""
        register("a")
        make_rule(E, for_seconds=60)
        event(E, seconds_ago=61)

        dispatch_all()

        assert sent() == []


class TestSummaries:
    def test_a_fleet_that_goes_makes_one_message(self) -> None:
        make_rule(E, summary_above=10, summary_seconds=30)
        for number in range(1000):
            event(E, f"agent-{number:04}")

        dispatch_all()
        assert sent() == []
        all_due()
        dispatch_all()

        assert sent() == [("summary", "")]
        data = last_message()["data"]
        assert (data["count"], data["kinds"]) == (1000, {"expired": 1000})
        assert [one["agent_id"] for one in data["events"][:2]] == ["agent-0000", "agent-0001"]
        assert len(data["events"]) == 100

    def test_few_events_are_sent_one_by_one(self) -> None:
        make_rule(E, summary_above=3)
        for number in range(3):
            event(E, f"agent-{number}")
            dispatch_all()

        assert [kind for kind, _ in sent()] == ["agent.expired"] * 3

    def test_what_exceeds_them_within_the_time_is_summarised_together(self) -> None:
        make_rule(E, summary_above=2)
        for number in range(6):
            event(E, f"agent-{number}")
            dispatch_all()
        assert len(sent()) == 2
        all_due()
        dispatch_all()

        assert sent()[2:] == [("summary", "")]
        assert last_message()["data"]["count"] == 4

    def test_after_a_summary_the_next_events_are_collected_too(self) -> None:
        make_rule(E, summary_above=1)
        for number in range(3):
            event(E, f"agent-{number}")
        dispatch_all()
        all_due()
        dispatch_all()
        event(E, "later")
        dispatch_all()

        assert len(sent()) == 1
        assert HeldEvent.objects.get().agent_id == "later"

    def test_a_single_held_event_is_sent_as_such(self) -> None:
        make_rule(E, summary_above=0)
        event(E)
        dispatch_all()
        all_due()
        dispatch_all()

        assert sent() == [("agent.expired", "a")]

    def test_without_summaries_each_event_is_sent(self) -> None:
        make_rule(E, summary_above=None)
        for number in range(50):
            event(E, f"agent-{number}")

        dispatch_all()

        assert len(sent()) == 50

    def test_what_is_held_for_a_rule_that_is_turned_off_is_dropped(self) -> None:
        rule = make_rule(E, summary_above=0)
        event(E)
        dispatch_all()
        Rule.objects.filter(pk=rule.pk).update(is_enabled=False)
        all_due()
        dispatch_all()

        assert sent() == []
        assert not HeldEvent.objects.exists()


class TestQuietHours:
    def test_events_are_held_until_they_end_and_summarised(self) -> None:
        now = datetime.now(UTC)
        begin, end = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
        make_rule(E, quiet_from=begin, quiet_until=end)
        event(E, "a")
        event(E, "b")
        dispatch_all()

        assert sent() == []
        due = HeldEvent.objects.values_list("due_at", flat=True).first()
        assert due is not None
        assert timedelta(minutes=58) < due - now <= timedelta(hours=1)
        all_due()
        Rule.objects.update(quiet_from=None, quiet_until=None)
        dispatch_all()

        assert sent() == [("summary", "")]
        assert last_message()["data"]["why"] == "quiet hours"

    @pytest.mark.parametrize(
        ("begin", "until", "zone", "now", "end"),
        [
            ("22:00", "07:00", "UTC", "2026-03-01T21:59:59+00:00", None),
            ("22:00", "07:00", "UTC", "2026-03-01T22:00:00+00:00", "2026-03-02T07:00:00+00:00"),
            ("22:00", "07:00", "UTC", "2026-03-02T06:59:59+00:00", "2026-03-02T07:00:00+00:00"),
            ("22:00", "07:00", "UTC", "2026-03-02T07:00:00+00:00", None),
            ("12:00", "13:00", "UTC", "2026-03-02T12:30:00+00:00", "2026-03-02T13:00:00+00:00"),
            # From UTC+1 to UTC+2 in that night.
            (
                "22:00",
                "07:00",
                "Europe/Berlin",
                "2026-03-28T21:00:00+00:00",
                "2026-03-29T05:00:00+00:00",
            ),
            ("22:00", "07:00", "Europe/Berlin", "2026-03-28T20:59:59+00:00", None),
            ("22:00", "07:00", "Europe/Berlin", "2026-03-29T05:00:00+00:00", None),
            # The same time twice: the whole day.
            ("08:00", "08:00", "UTC", "2026-03-02T07:59:00+00:00", "2026-03-02T08:00:00+00:00"),
        ],
    )
    def test_they_are_times_of_day_in_a_time_zone(
        self, begin: str, until: str, zone: str, now: str, end: str | None
    ) -> None:
        rule = Rule(
            quiet_from=time.fromisoformat(begin),
            quiet_until=time.fromisoformat(until),
            time_zone=zone,
        )

        found = rule.quiet_end(datetime.fromisoformat(now))

        expected = None if end is None else datetime.fromisoformat(end)
        assert (found and found.astimezone(UTC)) == expected


def test_the_end_of_a_lease_is_sent_from_the_real_events() -> None:
    make_rule("expired", "purged", "registered")
    register("short", ttl_seconds=1)
    AgentRecord.objects.update(last_heartbeat=datetime(2026, 1, 1, tzinfo=UTC))
    Lookout().check()
    leases.purge_one(agent_id="short", actor="admin:grace")

    dispatch_all()

    assert [kind for kind, _ in sent()] == [
        "agent.registered",
        "agent.expired",
        "agent.purged",
    ]


@pytest.mark.django_db(transaction=True)
class TestInterruptions:
    def test_position_and_messages_are_written_together_or_not_at_all(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_rule("drained")
        event("drained")
        begin = dispatching.current_position()

        class Killed(BaseException):
            pass

        def kill(*_arguments: object, **_options: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr("agents.notifications.outbox.Delivery.objects.bulk_create", kill)
            with pytest.raises(Killed):
                dispatch()
        assert dispatching.current_position() == begin
        dispatch_all()

        assert sent() == [("agent.drained", "a")]

    def test_several_dispatchers_send_each_event_once(self, together: Together) -> None:
        make_rule("drained")
        for number in range(20):
            event("drained", f"agent-{number}")

        together(*[dispatch_all for _ in range(4)])
        dispatch_all()

        assert len(sent()) == 20

    @postgresql_only
    def test_a_dispatcher_does_not_wait_for_another(self, together: Together) -> None:
        make_rule("drained")
        event("drained")
        with transaction.atomic():
            DispatchMark.objects.select_for_update().get()

            [is_behind] = together(dispatch)

            assert is_behind is False
        assert sent() == []


def test_every_kind_of_event_is_documented() -> None:
    page = (settings.BASE_DIR / "docs" / "notifications.md").read_text()

    missing = [kind for kind in Kind if f"`{kind.replace('-', '_')}`" not in page]

    assert missing == []
