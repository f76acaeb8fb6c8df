"""What tells open pages to look again: the stream, and the same by polling."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents import leases
from agents.admin.dashboard.live import changes, streams, views
from agents.admin.dashboard.live.pulse import KEPT_SECONDS, Pulse
from agents.event_streams import EventStream
from agents.history import feed
from agents.history.feed import Cursor
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

STREAM, CHANGES = "/admin/live/", "/admin/live/changes/"
VIEW = "view_agentrecord"

Staff = Callable[..., Client]


class Reader:
    """Reads a stream as the web server would."""

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self._received = b""

    def events(self) -> list[tuple[str, Any]]:
        self._received += b"".join(self.stream.take())
        self.stream.has_taken(0)
        found = []
        for text in self._received.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            if "event" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        return found

    def changes(self) -> list[list[str]]:
        return [
            pair for name, data in self.events() if name == "changes" for pair in data["changes"]
        ]


@pytest.fixture
def open_stream() -> Iterator[Callable[..., Reader]]:
    """A function that opens the stream; the thread that serves it ends with the test."""
    opened: list[EventStream] = []

    def open_it(client: Client, **headers: str) -> Reader:
        response: Any = client.get(STREAM, headers=headers)
        assert response["Content-Type"] == "text/event-stream"
        stream: EventStream = vars(response)["_stream"]  # as the web server takes it over
        opened.append(stream)
        return Reader(stream)

    yield open_it
    for stream in opened:
        views.STREAMS.remove(stream)
    wait_until(lambda: vars(views.STREAMS)["_thread"] is None, "the end of the thread")


def register(*ids: str) -> None:
    for agent_id in ids:
        leases.register(agent_id=agent_id, host="h", port=1)


def test_a_stream_begins_with_a_cursor_and_sends_what_happens(
    admin_client: Client, open_stream: Callable[..., Reader]
) -> None:
    register("before")
    reader = open_stream(admin_client)

    register("new")
    leases.deregister(agent_id="before")

    [(name, hello), *_] = reader.events()
    assert (name, hello["changes"], hello["isAll"]) == ("hello", [], True)
    expected = [["new", "registered"], ["before", "deregistered"]]
    wait_until(lambda: reader.changes() == expected, "both changes")


def test_a_stream_goes_on_where_another_ended(
    admin_client: Client, open_stream: Callable[..., Reader]
) -> None:
    register("known")
    cursor = str(Cursor(feed.newest_position()))
    register("missed")

    reader = open_stream(admin_client, Last_Event_ID=cursor)

    wait_until(lambda: reader.changes() == [["missed", "registered"]], "the missed change")


def test_a_heartbeat_sends_nothing(
    admin_client: Client, open_stream: Callable[..., Reader]
) -> None:
    register("a", "b")
    reader = open_stream(admin_client)

    leases.renew(agent_id="a")
    register("c")

    wait_until(lambda: reader.changes() == [["c", "registered"]], "the registration")


@pytest.mark.parametrize(("path", "status"), [(STREAM, 204), (CHANGES, 302)])
def test_only_staff_that_may_view_agents_may_look(
    staff: Staff, client: Client, path: str, status: int
) -> None:
    assert client.get(path).status_code == status
    assert staff("view_agentevent").get(path).status_code == 403


@pytest.mark.parametrize("path", [STREAM, CHANGES])
def test_nothing_can_be_posted(admin_client: Client, path: str) -> None:
    assert admin_client.post(path).status_code == 405


@pytest.mark.parametrize(
    "loss", ["logout", "deactivated", "not staff", "no permission", "password"]
)
def test_a_stream_ends_with_the_login(
    staff: Staff,
    open_stream: Callable[..., Reader],
    monkeypatch: pytest.MonkeyPatch,
    loss: str,
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.1)
    reader = open_stream(staff(VIEW))
    user = User.objects.get(username="grace")
    assert not reader.stream.over

    if loss == "logout":
        Session.objects.all().delete()
    elif loss == "deactivated":
        User.objects.update(is_active=False)
    elif loss == "not staff":
        User.objects.update(is_staff=False)
    elif loss == "password":
        user.set_password("another")
        user.save()
    else:
        user.user_permissions.clear()

    wait_until(lambda: reader.stream.over, "the end of the stream")


def test_a_login_has_a_few_streams_only(
    admin_client: Client, open_stream: Callable[..., Reader]
) -> None:
    readers = [open_stream(admin_client) for _ in range(streams.MAX_STREAMS_OF_A_LOGIN)]

    assert admin_client.get(STREAM).status_code == 204
    views.STREAMS.remove(readers[0].stream)
    open_stream(admin_client)


def test_a_process_has_a_bounded_number_of_streams(
    admin_client: Client, open_stream: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 1)
    open_stream(admin_client)
    other = Client()
    other.force_login(User.objects.create_superuser("ada"))

    assert other.get(STREAM).status_code == 204


def test_pages_that_poll_get_the_same_changes(admin_client: Client) -> None:
    register("before")
    start = admin_client.get(CHANGES).json()
    assert (start["changes"], start["isAll"]) == ([], True)

    register("new")
    found = admin_client.get(CHANGES, {"since": start["cursor"]}).json()

    assert (found["changes"], found["isAll"]) == ([["new", "registered"]], True)
    assert admin_client.get(CHANGES, {"since": found["cursor"]}).json()["changes"] == []


@pytest.mark.parametrize("cursor", ["nonsense", "\0", str(Cursor(10**9))])
def test_a_page_with_an_unusable_cursor_learns_that_it_missed_something(
    admin_client: Client, cursor: str
) -> None:
    register("a")

    found = admin_client.get(CHANGES, {"since": cursor}).json()

    assert (found["changes"], found["isAll"]) == ([], False)
    assert found["cursor"] == str(Cursor(feed.newest_position()))


def test_very_many_changes_are_cut(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST", 2)
    register("before")
    start = admin_client.get(CHANGES).json()["cursor"]
    register("a", "b", "c")

    found = admin_client.get(CHANGES, {"since": start}).json()

    assert [agent_id for agent_id, _ in found["changes"]] == ["a", "b"]
    assert not found["isAll"]
    assert admin_client.get(CHANGES, {"since": found["cursor"]}).json()["isAll"]


def test_the_pulse_changes_with_the_counts(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(views, "PULSE", Pulse(clock=lambda: now[0]))
    register("a")
    before = admin_client.get(CHANGES).json()["pulse"]
    register("b")
    assert admin_client.get(CHANGES).json()["pulse"] == before  # it is kept for a moment

    now[0] += KEPT_SECONDS

    assert admin_client.get(CHANGES).json()["pulse"] != before


def test_a_quiet_poll_takes_few_queries(admin_client: Client) -> None:
    register("a")
    start = admin_client.get(CHANGES).json()["cursor"]  # fills the pulse

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(CHANGES, {"since": start})

    # The session, the user, the cursor and the newest event.
    assert len(queries) <= 5, queries.captured_queries
