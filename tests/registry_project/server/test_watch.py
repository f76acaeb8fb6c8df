"""GET /agents/watch from outside, through the real server."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.processes import wait_until
from tests.registry_project.server.registry_web import RegistryWeb, prepared, registry_web, request
from tests.watch_client import WatchClient

WATCH = "agents/watch"


def cursor_of(web: RegistryWeb) -> str:
    cursor: str = plain_http.get(f"{web.url}/agents").headers["Registry-Cursor"]
    return cursor


def poll(web: RegistryWeb, **parameters: Any) -> Any:
    return plain_http.get(f"{web.url}/{WATCH}", params=parameters).raise_for_status().json()


def refusal(web: RegistryWeb, **parameters: Any) -> httpx.Response:
    headers = {"Accept": "text/event-stream"}
    return plain_http.get(f"{web.url}/{WATCH}", params=parameters, headers=headers)


def deregister(web: RegistryWeb, agent: Any) -> None:
    token = f"Lease-Token: {agent['lease_token']}"
    answer = web.exchange(request("DELETE", f"/agents/{agent['agent_id']}", token))
    assert answer.status == 200, answer


def heartbeat(web: RegistryWeb, agent: Any) -> None:
    token = f"Lease-Token: {agent['lease_token']}"
    answer = web.exchange(request("POST", f"/agents/{agent['agent_id']}/heartbeat", token))
    assert answer.status == 200, answer


def wait_for_agents(client: WatchClient, number: int) -> None:
    wait_until(lambda: len(client.view) == number, f"{number} agents")


def test_a_list_and_the_watch_after_it_are_what_is_listed_later(each_web: RegistryWeb) -> None:
    web = each_web
    before = web.register("list-before", tags=["listed"])
    with WatchClient(web.url, tag="listed") as client:
        assert client.ids() == ["list-before"]
        web.register("list-new", tags=["listed"])
        web.register("list-other")
        gone = web.register("list-gone", tags=["listed"])
        wait_until(lambda: ("ADDED", "list-gone") in client.changes, "an agent that comes")
        web.register("list-new", tags=["listed"], version="2")
        deregister(web, gone)
        deregister(web, before)
        wait_until(lambda: ("DELETED", "list-before") in client.changes, "an agent that goes")

        assert client.changes == [
            ("ADDED", "list-new"),
            ("ADDED", "list-gone"),
            ("MODIFIED", "list-new"),
            ("DELETED", "list-gone"),
            ("DELETED", "list-before"),
        ]
        listed = plain_http.get(f"{web.url}/agents", params={"tag": "listed"}).json()
        assert {agent["agent_id"]: agent["generation"] for agent in listed} == {
            agent_id: agent["generation"] for agent_id, agent in client.view.items()
        }
        assert client.faults == []


def test_an_agent_that_dies_and_comes_back_is_deleted_and_added(each_web: RegistryWeb) -> None:
    web = each_web
    agent = web.register("mortal", ttl_seconds=1, tags=["mortal"])
    with WatchClient(web.url, tag="mortal") as client:
        wait_until(lambda: ("DELETED", "mortal") in client.changes, "its end")
        heartbeat(web, agent)
        wait_until(lambda: ("ADDED", "mortal") in client.changes, "its return")

    expected = [("DELETED", "mortal"), ("ADDED", "mortal")]
    assert [change for change in client.changes if change in expected][:2] == expected


def test_watchers_go_on_in_another_process_when_theirs_is_killed(
    on_postgresql: RegistryWeb,
) -> None:
    web = on_postgresql
    with WatchClient(web.url, tag="killed") as first, WatchClient(web.url, tag="killed") as second:
        clients = [first, second]
        wait_until(lambda: all(client.connections for client in clients), "connections")
        for number in range(6):
            web.register(f"killed-{number}", tags=["killed"])
            if number == 2:
                for pid in web.workers():
                    os.kill(pid, signal.SIGKILL)
                wait_until(web.is_alive, "a new process")
        for client in clients:
            wait_for_agents(client, 6)
            assert client.changes == [("ADDED", f"killed-{number}") for number in range(6)]
            assert client.connections >= 2
            assert client.faults == []


def test_a_stopping_process_ends_streams_and_answers_calls_that_wait(tmp_path: Path) -> None:
    with registry_web(tmp_path, prepared(tmp_path)) as web:
        cursor = cursor_of(web)
        with web.connect() as stream, web.connect() as waiting:
            stream.send(request("GET", f"/{WATCH}?since={cursor}", "Accept: text/event-stream"))
            waiting.send(request("GET", f"/{WATCH}?since={cursor}&wait=60"))
            received = {one: one.socket.recv(4096) for one in (stream, waiting)}
            assert all(one.startswith(b"HTTP/1.1 200") for one in received.values()), received
            web.process.send_signal(signal.SIGTERM)
            for one in received:
                while data := one.socket.recv(65_536):
                    received[one] += data

        assert received[stream].endswith(b"0\r\n\r\n")
        body = received[waiting].partition(b'{"cursor"')
        assert f"{body[1].decode()}{body[2].decode()}".startswith(
            f'{{"cursor": "{cursor}", "changes": []}}'
        )
        assert received[waiting].endswith(b"0\r\n\r\n")


class TestPolls:
    def test_a_call_waits_for_a_change(self, each_web: RegistryWeb) -> None:
        cursor = cursor_of(each_web)
        with each_web.connect() as client:
            client.send(request("GET", f"/{WATCH}?since={cursor}&wait=60"))
            assert b"\n" in client.socket.recv(4096)  # the head: it waits
            each_web.register("polled")
            received = b""
            while not received.endswith(b"0\r\n\r\n"):
                received += client.socket.recv(65_536)

        assert b'"type": "ADDED"' in received
        assert b'"agent_id": "polled"' in received

    def test_the_next_call_goes_on_from_the_cursor(self, web: RegistryWeb) -> None:
        cursor = cursor_of(web)
        web.register("polled-1")
        first = poll(web, since=cursor, wait=60)
        web.register("polled-2")
        second = poll(web, since=first["cursor"], wait=60)

        ids = [[change["agent_id"] for change in one["changes"]] for one in (first, second)]
        assert ids == [["polled-1"], ["polled-2"]]
        assert poll(web, since=second["cursor"], wait=0) == {
            "cursor": second["cursor"],
            "changes": [],
        }

    def test_without_a_cursor_the_answer_has_that_of_now(self, web: RegistryWeb) -> None:
        web.register("polled-3")

        assert poll(web, wait=60) == {"cursor": cursor_of(web), "changes": []}


def test_the_last_event_id_comes_before_the_parameter(web: RegistryWeb) -> None:
    old = cursor_of(web)
    web.register("resumed")
    new = cursor_of(web)
    headers = {"Last-Event-ID": new}
    url = f"{web.url}/{WATCH}"

    answer = plain_http.get(url, params={"since": old, "wait": 0}, headers=headers).json()

    assert answer == {"cursor": new, "changes": []}


@pytest.mark.parametrize(
    ("parameters", "status", "named"),
    [
        ({"since": "OTk5OTk5OTk"}, 410, "Registry-Cursor"),
        ({"since": "???"}, 422, "since"),
        ({"since": "YWJj"}, 422, "since"),
        ({"wait": 61}, 422, "wait"),
        ({"status": "ready"}, 422, "status"),
        ({"limit": 5}, 422, "limit"),
        ({"colour": "red"}, 422, "colour"),
    ],
)
def test_what_cannot_be_watched_is_refused_as_a_problem(
    web: RegistryWeb, parameters: dict[str, Any], status: int, named: str
) -> None:
    answer = refusal(web, **parameters)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert named in json.dumps(answer.json())


def test_watching_needs_a_token_that_may_read(tmp_path: Path) -> None:
    with registry_web(tmp_path, prepared(tmp_path, REGISTRY_AUTH="token")) as web:
        assert refusal(web).status_code == 401
