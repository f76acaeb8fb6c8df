"""What a view's watchers are told of each event."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.http import QueryDict

from agents import leases
from agents.discovery.watch import NotWatchable, View
from agents.discovery.watch import changes as module
from agents.discovery.watch.changes import read_changes
from agents.history import feed
from agents.leases.expiry.lookout import Lookout
from agents.models import AgentRecord

pytestmark = pytest.mark.django_db

Told = list[tuple[str, str] | tuple[str, str, str]]


def register(agent_id: str, **more: Any) -> None:
    leases.register(agent_id=agent_id, host="h", port=1, **more)


def expire(agent_id: str) -> None:
    silence = timedelta(seconds=61)
    AgentRecord.objects.filter(pk=agent_id).update(last_heartbeat=F("last_heartbeat") - silence)
    Lookout().check()


def recover(agent_id: str) -> None:
    leases.renew(agent_id=agent_id)
    Lookout().check()


def purge(agent_id: str) -> None:
    assert leases.purge_one(agent_id=agent_id, actor="admin:ada")


def drain(agent_id: str) -> None:
    leases.set_state(agent_id=agent_id, state="draining", actor="admin:ada")


def deregister(agent_id: str) -> None:
    leases.deregister(agent_id=agent_id)


def told(query: str, after: int = 0, *, follows_list: bool = False) -> Told:
    """Return the messages after a position: kind, agent, and the reason if there is one."""
    end = feed.settled_position()
    assert end is not None
    chunk = read_changes(View.of(QueryDict(query)), after, end, follows_list=follows_list)
    return [
        (str(one.kind), one.agent_id, one.reason) if one.reason else (str(one.kind), one.agent_id)
        for one in chunk.messages
    ]


def step_by_step(query: str, *steps: Callable[[str], Any]) -> list[Told]:
    """Return what is told after each step in the life of agent a."""
    found = []
    for step in steps:
        position = feed.newest_position()
        step("a")
        found.append(told(query, position))
    return found


def test_each_change_of_an_agent_is_told() -> None:
    lives = [register, drain, register, expire, recover, expire, purge, register, deregister]

    assert step_by_step("", *lives) == [
        [("ADDED", "a")],
        [("MODIFIED", "a")],
        [("MODIFIED", "a")],
        [("DELETED", "a", "expired")],
        [("ADDED", "a")],
        [("DELETED", "a", "expired")],
        [],
        [("ADDED", "a")],
        [("DELETED", "a", "deregistered")],
    ]


def test_an_agent_that_registers_after_its_end_is_added() -> None:
    assert step_by_step("", register, expire, register)[-1] == [("ADDED", "a")]


def test_with_the_dead_only_the_end_of_a_record_deletes_an_agent() -> None:
    assert step_by_step("include_dead=true", register, expire, recover, expire, purge) == [
        [("ADDED", "a")],
        [("MODIFIED", "a")],
        [("MODIFIED", "a")],
        [("MODIFIED", "a")],
        [("DELETED", "a", "purged")],
    ]


def test_agents_enter_and_leave_a_filter_by_state() -> None:
    def resume(agent_id: str) -> None:
        leases.set_state(agent_id=agent_id, state="active", actor="admin:ada")

    assert step_by_step("state=draining", register, drain, resume) == [
        [],
        [("ADDED", "a")],
        [("DELETED", "a", "left the filter")],
    ]


def test_agents_leave_a_filter_by_registering_without_its_tag() -> None:
    def tagged(agent_id: str) -> None:
        register(agent_id, tags=["gpu"])

    assert step_by_step("tag=gpu", tagged, register, tagged) == [
        [("ADDED", "a")],
        [("DELETED", "a", "left the filter")],
        [("MODIFIED", "a")],
    ]


def test_a_new_agent_outside_the_filter_is_not_told() -> None:
    register("a")
    register("b", tags=["gpu"])

    assert told("tag=gpu") == [("ADDED", "b")]


def test_what_happens_to_agents_outside_a_filter_is_not_told() -> None:
    register("b", tags=["gpu"], agent_name="a % 'b\"", metadata={"region": "eu"})
    nothing: list[Told] = [[] for _ in range(6)]

    for query in ("tag=gpu", "name=other", "meta.region=eu", "search=zz", "version=1.0", "host=x"):
        lives = [register, drain, expire, recover, drain, deregister]
        assert step_by_step(query, *lives) == nothing, query


def test_agents_that_end_are_filtered_by_their_last_record() -> None:
    def come(agent_id: str) -> None:
        register(agent_id, tags=["gpu"], skills=["paint"], version="1.2", metadata={"x": {"y": 1}})

    gone = [("DELETED", "a", "deregistered")]
    for query in ("tag=gpu", "skill=paint&tag=gpu", "meta.x.y=1", "version=1.2", "version=>=1"):
        assert step_by_step(query, come, deregister)[-1] == gone, query
        assert step_by_step(f"{query}&include_dead=1", come, expire, purge)[-1] == [
            ("DELETED", "a", "purged")
        ], query


def test_an_agent_that_expires_and_returns_without_the_tag_leaves_the_filter() -> None:
    register("a", tags=["gpu"])
    position = feed.newest_position()
    expire("a")
    register("a")

    assert [kind for kind, *_ in told("tag=gpu", position)] == ["DELETED"]


def test_many_changes_of_one_agent_read_at_once_are_few_messages() -> None:
    for step in (register, drain, register, expire, recover):
        step("a")

    assert told("") == [("ADDED", "a"), ("MODIFIED", "a")]


def test_an_agent_that_came_and_went_is_not_told() -> None:
    for step in (register, drain, deregister):
        step("a")
    register("b")

    assert told("") == [("ADDED", "b")]


def test_heartbeats_tell_nothing() -> None:
    register("a")
    position = feed.newest_position()
    leases.renew(agent_id="a", status="busy", load=0.5)

    assert told("", position) == []
    assert feed.newest_position() == position


@pytest.mark.parametrize("size", [1, 2, 3, 200])
def test_reading_in_pieces_tells_the_same_in_the_end(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", size)
    for agent_id in ("a", "b", "c"):
        register(agent_id)
    for step in (drain, deregister):
        step("b")
    for step in (expire, recover, drain, expire):
        step("c")
    end, position = feed.newest_position(), 0
    known: dict[str, str] = {}
    while position < end:
        chunk = read_changes(View.of(QueryDict("")), position, end, follows_list=False)
        for message in chunk.messages:
            assert position < message.position <= chunk.position
            if message.agent:
                known[message.agent_id] = message.agent
            else:
                known.pop(message.agent_id, None)
        position = chunk.position

    assert set(known) == {"a"}


@pytest.mark.parametrize("name", ["status=ready", "condition=expired"])
def test_what_heartbeats_change_cannot_be_watched(name: str) -> None:
    with pytest.raises(NotWatchable, match=name.split("=", maxsplit=1)[0]):
        View.of(QueryDict(name))


def test_views_of_the_same_filters_are_one() -> None:
    first, second = (View.of(QueryDict(text)) for text in ("tag=a&name=b", "name=b&tag=a"))

    assert first.key == second.key != View.of(QueryDict("tag=a")).key


@pytest.mark.parametrize(("end", "reason"), [(deregister, "deregistered"), (expire, "expired")])
def test_an_agent_that_came_and_went_is_deleted_from_a_list_that_may_have_had_it(
    end: Callable[[str], Any], reason: str
) -> None:
    register("a")
    end("a")

    assert told("", follows_list=True) == [("DELETED", "a", reason)]
    assert told("tag=gpu", follows_list=True) == []
    assert told("") == []


def test_an_agent_that_entered_and_left_a_filter_is_deleted_from_a_list_that_may_have_had_it() -> (
    None
):
    register("a", tags=["gpu"])
    register("a")

    assert told("tag=gpu", follows_list=True) == [("DELETED", "a", "left the filter")]
    assert told("tag=gpu") == []
