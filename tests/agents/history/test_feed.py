"""The feed is ordered, and misses no event that commits late."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from agents import leases
from agents.database.dialect import dialect
from agents.history import feed
from agents.history.record import Kind, record_event
from agents.leases import restore as leases_restore
from agents.models import AgentEvent
from tests.agents.racing import Together, postgresql_only

pytestmark = pytest.mark.django_db


def write(count: int = 1, *, agent_id: str = "a") -> None:
    for _ in range(count):
        record_event(Kind.REFUSED, actor="agent", agent_id=agent_id)


class TestPositions:
    def test_without_events_the_position_is_zero(self) -> None:
        assert feed.newest_position() == 0
        assert feed.settled_position() == 0

    def test_the_position_is_the_id_of_the_newest_event(self) -> None:
        write(3)

        assert feed.settled_position() == feed.newest_position()
        assert feed.newest_position() == AgentEvent.objects.latest("pk").pk

    def test_between_excludes_the_first_position_and_includes_the_last(self) -> None:
        write(5)
        numbers = list(AgentEvent.objects.order_by("pk").values_list("pk", flat=True))

        read = feed.between(numbers[1], numbers[3])

        assert [event.pk for event in read] == numbers[2:4]

    @pytest.mark.parametrize(("events", "expected"), [(1, 1), (4, 4), (5, 5), (6, 5)])
    def test_position_after_skips_a_number_of_events(self, events: int, expected: int) -> None:
        write(2)
        dialect.skip_ids(AgentEvent, 1000)
        write(3)
        numbers = [0, *AgentEvent.objects.order_by("pk").values_list("pk", flat=True)]

        position = feed.position_after(events, after=0, until=numbers[-1])

        assert position == numbers[expected]

    def test_position_before_finds_the_last_event_before_a_moment(self) -> None:
        write(3)
        old = AgentEvent.objects.order_by("pk")[1]
        moment = timezone.now() - timedelta(hours=1)
        AgentEvent.objects.filter(pk__lte=old.pk).update(at=moment - timedelta(seconds=1))

        assert feed.position_before(moment) == old.pk
        assert feed.position_before(timezone.now() + timedelta(hours=1)) is None


def test_last_kinds_are_those_before_a_position() -> None:
    leases.register(agent_id="a", host="h", port=1)
    leases.register(agent_id="a", host="h", port=1)
    leases.register(agent_id="b", host="h", port=1)
    end = feed.newest_position()
    leases.deregister(agent_id="a")
    kinds = [Kind.REGISTERED, Kind.RE_REGISTERED, Kind.DEREGISTERED]

    assert feed.last_kinds(["a", "b", "c"], kinds, before=end) == {"a": "re-registered"}
    assert feed.last_kinds(["a", "b"], kinds[:1], before=end + 1) == {
        "a": "registered",
        "b": "registered",
    }
    assert feed.last_kinds([], kinds, before=end) == {}


class TestCursors:
    @pytest.mark.parametrize("position", [0, 1, 7, 10**12])
    def test_a_cursor_is_text_for_a_position(self, position: int) -> None:
        text = str(feed.Cursor(position))

        assert feed.Cursor.read(text).position == position
        assert text.isascii()
        assert "=" not in text

    @pytest.mark.parametrize("text", ["", "?", "abc", "LTE", "MS41", "\u00fc", "9" * 100])
    def test_other_texts_are_no_cursors(self, text: str) -> None:
        with pytest.raises(feed.InvalidCursor):
            feed.Cursor.read(text)

    def test_events_after_a_position_are_complete_while_its_own_is_there(self) -> None:
        write(3)
        first, *_ = numbers = list(AgentEvent.objects.order_by("pk").values_list("pk", flat=True))

        assert all(feed.is_complete_after(number) for number in numbers)
        AgentEvent.objects.filter(pk=first).delete()

        assert not feed.is_complete_after(first)
        assert feed.is_complete_after(numbers[1])

    def test_events_after_a_position_that_no_event_has_had_are_not_complete(self) -> None:
        write()

        assert not feed.is_complete_after(feed.newest_position() + 1)

    def test_the_beginning_is_a_position_until_events_are_deleted(self) -> None:
        assert feed.is_complete_after(0)
        number = dialect.skip_ids(AgentEvent, 5)
        write()

        assert AgentEvent.objects.get().pk > number
        assert not feed.is_complete_after(0)

    def test_the_lost_end_of_a_restored_database_is_noticed(self) -> None:
        write(3)
        lost = feed.newest_position()
        AgentEvent.objects.filter(pk=lost).delete()
        leases_restore.skip_generations()
        write()

        assert not feed.is_complete_after(lost)


def test_newest_first_can_be_limited_to_one_agent() -> None:
    for agent_id in ("a", "b", "", "a"):
        write(agent_id=agent_id)
    first, second, third, fourth = AgentEvent.objects.order_by("pk")

    assert list(feed.newest_first()) == [fourth, third, second, first]
    assert list(feed.newest_first("a")) == [fourth, first]
    assert list(feed.newest_first("")) == [third]


@pytest.mark.django_db(transaction=True)
class TestLateCommits:
    @postgresql_only
    def test_the_settled_position_waits_for_uncommitted_events(self, together: Together) -> None:
        written, finished = threading.Event(), threading.Event()

        def late() -> None:
            with transaction.atomic():
                write(agent_id="late")
                written.set()
                assert finished.wait(30)
                time.sleep(0.1)

        def early() -> list[str]:
            assert written.wait(30)
            write(agent_id="early")
            finished.set()
            end = feed.settled_position()
            assert end is not None
            return [event.agent_id for event in feed.between(0, end)]

        assert together(late, early)[1] == ["late", "early"]

    @postgresql_only
    def test_there_is_no_settled_position_while_a_transaction_stays_open(
        self, together: Together, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feed, "PATIENCE", 0.1)
        written, finished = threading.Event(), threading.Event()

        def late() -> None:
            with transaction.atomic():
                write()
                written.set()
                assert finished.wait(30)

        def early() -> int | None:
            assert written.wait(30)
            write()
            try:
                return feed.settled_position()
            finally:
                finished.set()

        assert together(late, early)[1] is None
        assert feed.settled_position() == feed.newest_position()

    def test_a_reader_misses_no_event_of_many_concurrent_writers(self, together: Together) -> None:
        """Covers every statement that writes events, and transactions of different lengths."""
        writers = 6
        done = threading.Semaphore(0)

        def writer(number: int) -> None:
            for step in range(8):
                agent_id = f"{number}-{step}"
                with transaction.atomic():
                    leases.register(agent_id=agent_id, host="h", port=1)
                    if connection.vendor == "postgresql":
                        time.sleep(0.002 * number)
                leases.set_state(agent_id=agent_id, state="draining", actor="admin:ada")
                leases.deregister(agent_id=agent_id)
            done.release()

        def reader() -> list[int]:
            read: list[int] = []
            finished = 0
            while True:
                finished += done.acquire(blocking=False)
                was_last = finished == writers
                end = feed.settled_position()
                if end is not None:
                    read += [event.pk for event in feed.between(read[-1] if read else 0, end)]
                if was_last:
                    return read

        *_, read = together(*[lambda n=n: writer(n) for n in range(writers)], reader)

        assert read == list(AgentEvent.objects.order_by("pk").values_list("pk", flat=True))
        assert len(read) == writers * 8 * 3
