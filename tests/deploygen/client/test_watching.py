"""Watch and AsyncWatch keep a view through everything that happens to a stream."""

import threading
from typing import Any

import pytest

from deploygen.client import Registry, RegistryRefused
from tests.deploygen.client.either_registry import Async, Either, Sync
from tests.deploygen.client.scripted_lists import (
    Reply,
    added,
    deleted,
    listed,
    message,
    modified,
    problem,
    record,
    scripted,
    stream,
)
from tests.processes import wait_until


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def either(request: pytest.FixtureRequest) -> Either:
    client: Either = request.param
    return client


def test_a_watch_begins_with_what_is_listed_and_goes_on_from_there(either: Either) -> None:
    first = stream(
        added("c1", "b"), modified("c2", "a", state="draining"), deleted("c3", "b", "expired")
    )
    with scripted(listed(record("a"), cursor="c0"), first) as script:
        watched = either.watch(script.url, 4, tag="x")

    assert watched.kinds == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    assert watched.changes[2].agent.state == "draining"
    assert (watched.changes[3].reason, watched.changes[3].agent.port) == ("expired", 8000)
    assert list(watched.agents) == ["a"]
    assert script.cursors() == ["c0"]
    assert script.calls[1].query == {"tag": "x"}


def test_it_connects_again_and_goes_on_after_the_last_message(either: Either) -> None:
    with scripted(
        listed(cursor="c0"),
        stream(added("c1", "a"), message("BOOKMARK", "c5")),
        problem(503),
        stream(),
        stream(added("c6", "b")),
    ) as script:
        watched = either.watch(script.url, 2)

    assert watched.kinds == [("ADDED", "a"), ("ADDED", "b")]
    assert script.cursors() == ["c0", "c5", "c5", "c5"]


def test_a_message_that_breaks_off_is_read_again(either: Either) -> None:
    whole = added("c1", "a")
    with scripted(
        listed(cursor="c0"), stream(whole[:-30]), stream(whole, added("c2", "b"))
    ) as script:
        watched = either.watch(script.url, 2)

    assert watched.kinds == [("ADDED", "a"), ("ADDED", "b")]
    assert script.cursors() == ["c0", "c0"]


def test_what_it_has_already_is_no_change(either: Either) -> None:
    with scripted(
        listed(record("a"), cursor="c0"),
        stream(
            added("c1", "a", load=0.5, last_heartbeat="2026-11-30T10:00:20Z"),
            deleted("c2", "never-seen"),
            message("NOVEL", "c3"),
            added("c4", "a", generation=2),
        ),
    ) as script:
        watched = either.watch(script.url, 2)

    assert watched.kinds == [("ADDED", "a"), ("MODIFIED", "a")]
    assert watched.changes[1].agent.record["generation"] == 2


def test_after_410_it_lists_again_and_shows_what_differs(either: Either) -> None:
    with scripted(
        listed(record("stays"), record("goes"), record("changes"), cursor="c0"),
        stream(message("BOOKMARK", "c1")),
        problem(410),
        listed(record("stays"), record("changes", version="2"), record("comes"), cursor="d0"),
        stream(deleted("d1", "comes")),
    ) as script:
        watched = either.watch(script.url, 7)

    assert watched.kinds[3:] == [
        ("DELETED", "goes"),
        ("MODIFIED", "changes"),
        ("ADDED", "comes"),
        ("DELETED", "comes"),
    ]
    assert sorted(watched.agents) == ["changes", "stays"]
    assert script.cursors() == ["c0", "c1", "d0"]


@pytest.mark.parametrize(
    "foreign",
    [
        Reply(200, b"<html>log in</html>", "text/html"),
        Reply(410, b"gone", "text/plain"),
        stream(b"data: not JSON\n\n"),
        stream(b'data: {"type": "ADDED", "cursor": "c9", "agent": {}}\n\n'),
    ],
)
def test_what_no_registry_sends_is_not_believed(either: Either, foreign: Reply) -> None:
    with scripted(listed(cursor="c0"), foreign, stream(added("c1", "a"))) as script:
        watched = either.watch(script.url, 1)

    assert watched.kinds == [("ADDED", "a")]
    assert script.cursors() == ["c0", "c0"]


def test_a_list_without_a_cursor_is_read_again(either: Either) -> None:
    busy = Reply(body=[record("a")])
    with scripted(busy, listed(record("a"), cursor="c0")) as script:
        watched = either.watch(script.url, 1)

    assert watched.kinds == [("ADDED", "a")]
    assert [call.path for call in script.calls[:2]] == ["/agents", "/agents"]


@pytest.mark.parametrize("replies", [[problem(401)], [listed(cursor="c0"), problem(401)]])
def test_a_refusal_ends_it(either: Either, replies: list[Reply]) -> None:
    with scripted(*replies) as script, pytest.raises(RegistryRefused):
        either.watch(script.url, 1)


def test_another_thread_can_follow_and_close(capsys: Any) -> None:
    with scripted(listed(record("a"), cursor="c0"), stream(added("c1", "b"))) as script:
        with Registry(script.url) as registry:
            watch = registry.watch()
            thread = threading.Thread(target=watch.follow)
            thread.start()
            wait_until(lambda: sorted(watch.agents) == ["a", "b"], "the view")
            wait_until(lambda: len(script.cursors()) == 2, "the next stream")
            watch.close()
            thread.join(30)
        assert not thread.is_alive()


def test_the_problem_says_why_a_view_may_be_old() -> None:
    with (
        scripted(listed(record("a"), cursor="c0"), stream(added("c1", "b"))) as script,
        Registry(script.url) as registry,
        registry.watch() as watch,
    ):
        problems = [watch.problem]
        next(watch)
        next(watch)
        problems.append(watch.problem)
        threading.Thread(target=watch.follow, daemon=True).start()
        wait_until(lambda: "ended the stream" in (watch.problem or ""), "the problem")

    assert problems == ["not listed yet", None]
