"""Event streams, and how other WSGI and ASGI servers send them."""

import asyncio
import socket
import threading
from wsgiref.simple_server import make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from agents.event_streams import (
    COMMENT,
    MAX_UNSENT_BYTES,
    Closed,
    EventStream,
    EventStreamResponse,
    encode_event,
    response,
)
from tests.serving import serving

# Closing a response closes old database connections.
pytestmark = pytest.mark.django_db

streams: list[EventStream] = []
reasons: list[Closed] = []


def events(_request: HttpRequest) -> EventStreamResponse:
    stream = EventStream(on_close=reasons.append)
    streams.append(stream)
    return EventStreamResponse(stream)


urlpatterns = [path("events", events)]


@pytest.fixture(autouse=True)
def fresh(settings: pytest.FixtureRequest) -> None:
    streams.clear()
    reasons.clear()
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]
    settings.MIDDLEWARE = []  # type: ignore[attr-defined]


# --- Encoding -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "more", "encoded"),
    [
        ("a", {}, b"data: a\n\n"),
        ("", {}, b"data: \n\n"),
        ("a\nb\r\nc\rd", {}, b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ("\u00fc", {"name": "n", "event_id": "7"}, b"event: n\nid: 7\ndata: \xc3\xbc\n\n"),
    ],
)
def test_an_event_is_encoded(data: str, more: dict[str, str], encoded: bytes) -> None:
    assert encode_event(data, **more) == encoded


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
def test_event_names_and_ids_cannot_contain_line_breaks_or_nul(value: str) -> None:
    for more in ({"name": value}, {"event_id": value}):
        with pytest.raises(ValueError, match="cannot have"):
            encode_event("a", **more)


# --- Streams --------------------------------------------------------------------------------


def test_an_unread_stream_is_closed_as_slow_at_its_limit() -> None:
    stream = EventStream()
    event = b"x" * 1_000

    sent = [stream.send(event) for _ in range(MAX_UNSENT_BYTES // 1_000 + 2)]

    assert sent.count(True) == MAX_UNSENT_BYTES // 1_000
    assert stream.over is Closed.SLOW
    assert stream.unsent <= MAX_UNSENT_BYTES


def test_sent_bytes_make_room_for_more_events() -> None:
    stream = EventStream()
    assert stream.send(b"x" * MAX_UNSENT_BYTES)
    stream.take()
    assert stream.unsent == MAX_UNSENT_BYTES
    stream.has_taken(unsent=1_000)

    assert stream.send(b"x" * (MAX_UNSENT_BYTES - 1_000))
    assert not stream.send(b"x")


def test_the_server_is_woken_once_until_it_takes_the_events() -> None:
    stream, woken = EventStream(), []
    stream.send(b"before")
    stream.attach(lambda: woken.append(1))
    assert len(woken) == 1
    stream.send(b"more")
    assert len(woken) == 1
    assert stream.take() == [b"before", b"more"]
    stream.send(b"again")
    stream.end()
    assert len(woken) == 3


def test_the_close_callback_gets_the_first_reason_once() -> None:
    stream = EventStream(on_close=reasons.append)
    stream.end()
    for _ in range(2):
        if report := stream.close(Closed.GONE):
            report()

    assert reasons == [Closed.ENDED]
    assert not stream.send(b"x")


# --- Other servers --------------------------------------------------------------------------


def test_djangos_test_client_can_read_a_stream(client: Client) -> None:
    response = client.get("/events")
    pieces = iter(response)
    assert next(pieces) == COMMENT
    streams[0].send(b"one")
    streams[0].send(b"two")
    assert next(pieces) == b"onetwo"
    streams[0].send(b"last")
    streams[0].end()
    assert list(pieces) == [b"last"]
    response.close()
    assert reasons == [Closed.ENDED]


def test_comments_are_sent_during_silence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "SILENCE_SECONDS", 0.01)
    answer = client.get("/events")
    pieces = iter(answer)

    assert [next(pieces) for _ in range(3)] == [COMMENT] * 3
    answer.close()


def test_another_wsgi_server_sends_events_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "SILENCE_SECONDS", 0.05)
    with (
        serving(make_server("127.0.0.1", 0, WSGIHandler())) as server,
        socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as client,
        client.makefile("rb") as received,
    ):
        client.sendall(b"GET /events HTTP/1.0\r\n\r\n")
        while received.readline() != b":\n":
            pass
        streams[0].send(b"one\n")
        while (line := received.readline()) in {b":\n", b"\n"}:
            pass
        assert line == b"one\n"
    assert reasons == [Closed.GONE]


def test_an_asgi_server_sends_events_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "SILENCE_SECONDS", 0.05)

    async def read() -> list[bytes]:
        stream = EventStream()
        pieces = aiter(EventStreamResponse(stream))
        first_two = [await anext(pieces), await anext(pieces)]
        threading.Thread(target=stream.send, args=[b"one"]).start()
        while (piece := await anext(pieces)) == COMMENT:
            pass
        stream.send(b"last")
        stream.end()
        return [*first_two, piece, *[piece async for piece in pieces]]

    assert asyncio.run(read()) == [COMMENT, COMMENT, b"one", b"last"]
