"""The one reader of a process serves all of its watchers."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import QueryDict

from agents import leases
from agents.discovery.watch import Hub, Poll, View, Watcher, watchers
from agents.discovery.watch.changes import Chunk, read_changes
from agents.event_streams import Closed, EventStream
from agents.history import feed
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub whose thread has ended after the test."""
    hub = Hub()
    followers: list[Watcher | Poll] = []
    add = hub.add

    def adding(follower: Watcher | Poll) -> None:
        followers.append(follower)
        add(follower)

    hub.add = adding  # type: ignore[assignment,method-assign]
    yield hub
    for follower in followers:
        hub.remove(follower)
    wait_until(lambda: vars(hub)["_thread"] is None, "the end of the hub's thread")


def register(*ids: str) -> None:
    for agent_id in ids:
        leases.register(agent_id=agent_id, host="h", port=1)


def watcher(query: str = "", position: int = 0) -> Watcher:
    return Watcher(View.of(QueryDict(query)), position, EventStream(), time.monotonic())


def poll(position: int, seconds: float = 60) -> Poll:
    until = time.monotonic() + seconds
    return Poll(View.of(QueryDict("")), position, EventStream(), until)


class Reader:
    """Reads a stream as a server would, and as little as it is told to."""

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self.received = b""

    def read(self) -> bool:
        self.received += b"".join(self.stream.take())
        self.stream.has_taken(0)
        return True

    @property
    def added(self) -> list[str]:
        return [
            json.loads(line.removeprefix("data: "))["agent_id"]
            for line in self.received.decode().splitlines()
            if line.startswith('data: {"type": "ADDED"')
        ]

    def until_added(self, number: int) -> None:
        self.until(lambda: len(self.added) >= number, f"{number} agents")

    def until_more(self) -> None:
        before = len(self.received)
        self.until(lambda: len(self.received) > before, "more")

    def until(self, condition: Callable[[], object], what: str) -> None:
        wait_until(lambda: self.read() and condition(), what)


def test_all_watchers_get_each_change_once_and_in_order(hub: Hub) -> None:
    readers = []
    for _ in range(3):
        one = watcher()
        readers.append(Reader(one.stream))
        hub.add(one)
    ids = [f"agent-{number}" for number in range(20)]
    register(*ids)

    for reader in readers:
        reader.until_added(len(ids))
        assert reader.added == ids


def test_a_watcher_deletes_what_its_list_may_have_had(hub: Hub) -> None:
    """The list is read after the position that the watch goes on from."""
    position = feed.newest_position()
    register("listed")
    leases.deregister(agent_id="listed")
    one = watcher(position=position)
    reader = Reader(one.stream)
    hub.add(one)

    reader.until(lambda: b"deregistered" in reader.received, "the end")


def test_a_slow_reader_gets_everything_without_a_large_buffer(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "FULL_BYTES", 4_000)
    ids = [f"agent-{number:03}" for number in range(100)]
    register(*ids)
    one = watcher()
    reader = Reader(one.stream)
    hub.add(one)

    wait_until(lambda: one.stream.unsent >= 4_000, "a full buffer")
    while len(reader.added) < len(ids):
        assert one.stream.unsent < 8_000
        reader.until_more()

    assert reader.added == ids
    assert not one.stream.over


def test_watchers_at_one_position_with_one_filter_share_the_reading(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def counted(view: View, *arguments: Any, **more: Any) -> Chunk:
        reads.append(view.key)
        return read_changes(view, *arguments, **more)

    monkeypatch.setattr("agents.discovery.watch.hub.read_changes", counted)
    register("a")
    readers = []
    for query in ("", "", "tag=gpu"):
        one = watcher(query)
        readers.append(Reader(one.stream))
        hub.add(one)
    readers[0].until(lambda: readers[0].added, "a change")
    readers[1].until(lambda: readers[1].added, "a change")
    wait_until(lambda: len(reads) >= 2, "both filters")

    assert len(reads) == 2


def test_a_watcher_whose_client_is_gone_is_forgotten(hub: Hub) -> None:
    one = watcher()
    hub.add(one)
    one.stream.close(Closed.GONE)

    wait_until(lambda: not len(hub), "no watcher")


def test_a_stream_begins_with_its_position(hub: Hub) -> None:
    register("a")
    position = feed.newest_position()
    one = watcher(position=position)
    reader = Reader(one.stream)
    hub.add(one)
    reader.until(lambda: b"BOOKMARK" in reader.received, "a bookmark")

    assert f"id: {feed.Cursor(position)}\n".encode() in reader.received


def test_bookmarks_tell_the_position_past_changes_of_others(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "BOOKMARK_SECONDS", 0.0)
    one = watcher("tag=gpu")
    reader = Reader(one.stream)
    hub.add(one)
    register("a")
    cursor = str(feed.Cursor(feed.newest_position()))

    reader.until(lambda: f"id: {cursor}\n".encode() in reader.received, "a bookmark")
    assert reader.added == []


def test_a_stream_ends_after_its_longest_time(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "LONGEST_STREAM_SECONDS", 0.0)
    one = watcher()
    hub.add(one)

    wait_until(lambda: one.stream.over, "the end")


def answer_of(one: Poll) -> Any:
    wait_until(lambda: one.stream.over, "an answer")
    return json.loads(b"".join(one.stream.take()))


class TestPolls:
    def test_a_call_is_answered_by_the_next_change(self, hub: Hub) -> None:
        one = poll(0)
        hub.add(one)
        register("a")

        answer = answer_of(one)
        assert [change["agent_id"] for change in answer["changes"]] == ["a"]
        assert answer["cursor"] == str(feed.Cursor(feed.newest_position()))

    def test_a_call_is_answered_without_changes_when_its_time_is_over(self, hub: Hub) -> None:
        register("a")
        one = poll(feed.newest_position(), seconds=0)
        hub.add(one)

        cursor = str(feed.Cursor(feed.newest_position()))
        assert answer_of(one) == {"cursor": cursor, "changes": []}

    def test_many_changes_take_several_calls(
        self, hub: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watchers, "FULL_BYTES", 2_000)
        ids = [f"agent-{number}" for number in range(12)]
        register(*ids)
        found: list[str] = []
        position = 0
        while position < feed.newest_position():
            one = poll(position)
            hub.add(one)
            answer = answer_of(one)
            assert 0 < len(answer["changes"]) < len(ids)
            found += [change["agent_id"] for change in answer["changes"]]
            position = feed.Cursor.read(answer["cursor"]).position

        assert found == ids
