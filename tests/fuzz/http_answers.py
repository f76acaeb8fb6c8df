"""Answers as bytes: that they are HTTP, and that nothing is in them that should not be."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import h11

LARGEST_HEADERS = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BARE_LINE_END = re.compile(rb"(?<!\r)\n")
PROBLEM = "application/problem+json"
TRACES = (
    b"Traceback (most",
    b'File "/',
    b"/site-packages/",
    b"DJANGO_SETTINGS",
    b"OperationalError",
)
# By RFC 9110, of the server itself: what it cannot be expected to know.
OF_THE_SERVER = {501: b"transfer-encoding", 505: b"HTTP/"}


class BadAnswer(Exception):
    """What came back is not what may come back."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_last(self) -> bool:
        return "close" in self.headers.get("connection", "").lower()


def requests_in(payload: bytes) -> tuple[list[str], bool]:
    """Return the methods of the requests, by h11, and whether `payload` is nothing else.

    If it is not, a server may take it for something broken, unfinished, or another protocol; so it
    may lines that end without a carriage return (RFC 9112, 2.2).
    """
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEADERS)
    methods: list[str] = []
    server.receive_data(payload)
    try:
        while True:
            event = server.next_event()
            if isinstance(event, h11.Request):
                methods.append(event.method.decode())
            elif isinstance(event, h11.EndOfMessage):
                server.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                server.send(h11.EndOfMessage())
                if not server.trailing_data[0]:
                    return methods, BARE_LINE_END.search(payload) is None
                server.start_next_cycle()
            elif not isinstance(event, h11.Data):
                return methods, False
    except h11.ProtocolError:
        return methods, False


def answers_in(received: bytes, methods: Sequence[str], *, at_end: bool) -> list[Answer]:
    """Return the whole answers in what was `received`; `methods` are what they answer to.

    Whatever comes after these answers GET, or HEAD if it cannot be read so: what was broken may
    have been either to the server. Raises BadAnswer.
    """
    try:
        return _answers(received, methods, "GET", at_end=at_end)
    except BadAnswer:
        if not at_end:
            raise
        return _answers(received, methods, "HEAD", at_end=at_end)


def _answers(received: bytes, methods: Sequence[str], more: str, *, at_end: bool) -> list[Answer]:
    found: list[Answer] = []
    # The rest of a request that waits for this word may never have come.
    while received := received.removeprefix(CONTINUE):
        method = methods[len(found)] if len(found) < len(methods) else more
        try:
            answer, received = _first_answer(received, method, at_end=at_end)
        except h11.RemoteProtocolError as error:
            raise BadAnswer(f"the answer is no HTTP: {error}") from error
        if answer is None:
            break
        found.append(answer)
        if method == "HEAD" and answer.is_last:
            break  # gunicorn sends a body with the errors that it answers itself
    return found


def _first_answer(received: bytes, method: str, *, at_end: bool) -> tuple[Answer | None, bytes]:
    """Return the first answer, None if it is not there as a whole, and what comes after it."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEADERS)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(received)
    if at_end:
        client.receive_data(b"")
    status, headers, body = 0, {}, bytearray()
    while True:
        event = client.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): text.decode("latin-1") for name, text in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, bytes(body)), client.trailing_data[0]
        elif event is h11.NEED_DATA:
            return None, b""


def check_answer(answer: Answer, payload: bytes, secrets: Sequence[bytes]) -> None:
    """Raises BadAnswer."""
    whole = answer.body + "\n".join(answer.headers.values()).encode("latin-1")
    for trace in TRACES:
        if trace in whole and trace not in payload:
            _refuse(answer, f"it tells of its inside: {trace.decode()}")
    if any(secret in whole for secret in secrets):
        _refuse(answer, "it tells a secret")
    if answer.status >= 500:
        _check_fault(answer, payload)
    if answer.body and "json" in answer.media_type and answer.status != 304:
        value = _strict_json(answer)
        if answer.status >= 400:
            _check_problem(answer, value)


def _check_fault(answer: Answer, payload: bytes) -> None:
    if answer.status == 503 and answer.headers.get("retry-after", "").isdecimal():
        return
    sign = OF_THE_SERVER.get(answer.status)
    if sign is None or sign.lower() not in payload.lower() or "json" in answer.media_type:
        _refuse(answer, "it is a fault of the server")


def _strict_json(answer: Answer) -> Any:
    def no_number(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(answer.body.decode("utf-8"), parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"{answer.status}: its body is no JSON: {error}") from error


def _check_problem(answer: Answer, value: Any) -> None:
    """By RFC 9457. Only what is not ready says so in a form of its own."""
    if answer.status == 503 and isinstance(value, dict) and value.get("status") == "unready":
        return
    if answer.media_type != PROBLEM:
        _refuse(answer, f"it is {answer.media_type}, not {PROBLEM}")
    if not isinstance(value, dict) or value.get("status") != answer.status:
        _refuse(answer, "its status is not in its body")
    if not isinstance(value.get("title"), str) or not isinstance(value.get("detail"), str):
        _refuse(answer, "it lacks a title or a detail")


def _refuse(answer: Answer, why: str) -> NoReturn:
    raise BadAnswer(f"{answer.status}: {why}: {answer.body[:300]!r}")
