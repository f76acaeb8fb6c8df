"""Check answers as bytes: they are valid HTTP and reveal nothing internal."""

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
STREAM = "text/event-stream"
TRACES = (
    b"Traceback (most",
    b'File "/',
    b"/site-packages/",
    b"DJANGO_SETTINGS",
    b"OperationalError",
)
# Errors for features that the server need not support (RFC 9110).
UNSUPPORTED = {501: b"transfer-encoding", 505: b"HTTP/"}


class BadAnswer(Exception):
    """An answer is not valid."""


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
    """Return the methods of the requests, by h11, and whether `payload` is exactly these requests.

    If not, a server may treat it as broken, unfinished, or another protocol. The same holds for
    lines that end without a carriage return (RFC 9112, 2.2).
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
    """Return the complete answers in `received` to requests with `methods`.

    Each further answer is read as one to GET, or else to HEAD, since the server may have taken
    broken input for either. Raises BadAnswer.
    """
    # The client may never send the body after "100 Continue".
    while received.startswith(CONTINUE):
        received = received.removeprefix(CONTINUE)
    if not received:
        return []
    method, *others = methods or ["GET"]
    try:
        return _answers(received, method, others, at_end=at_end)
    except BadAnswer:
        if methods or not at_end:
            raise
        return _answers(received, "HEAD", [], at_end=at_end)


def _answers(received: bytes, method: str, others: Sequence[str], *, at_end: bool) -> list[Answer]:
    try:
        answer, rest = _first_answer(received, method, at_end=at_end)
    except h11.RemoteProtocolError as error:
        raise BadAnswer(f"the answer is no HTTP: {error}") from error
    if answer is None:
        return []
    if method == "HEAD" and answer.is_last:
        return [answer]  # gunicorn sends a body with its own errors
    return [answer, *answers_in(rest, others, at_end=at_end)]


def _first_answer(received: bytes, method: str, *, at_end: bool) -> tuple[Answer | None, bytes]:
    """Return the first answer, or None if it is incomplete, and the bytes after it."""
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
            head = Answer(status, headers, b"")
            if head.media_type == STREAM:  # it does not end
                return head, b""
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, bytes(body)), client.trailing_data[0]
        elif event is h11.NEED_DATA:
            return None, b""


def check_answer(answer: Answer, payload: bytes, secrets: Sequence[bytes]) -> None:
    """Raises BadAnswer unless the answer is valid."""
    whole = answer.body + "\n".join(answer.headers.values()).encode("latin-1")
    for trace in TRACES:
        if trace in whole and trace not in payload:
            _refuse(answer, f"it shows internals: {trace.decode()}")
    if any(secret in whole for secret in secrets):
        _refuse(answer, "it contains a secret")
    if answer.status >= 500:
        _check_fault(answer, payload)
    if answer.body and "json" in answer.media_type and answer.status != 304:
        value = _strict_json(answer)
        if answer.status >= 400:
            _check_problem(answer, value)


def _check_fault(answer: Answer, payload: bytes) -> None:
    if answer.status == 503 and answer.headers.get("retry-after", "").isdecimal():
        return
    sign = UNSUPPORTED.get(answer.status)
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
    """Check Problem Details (RFC 9457). Only readiness has its own form."""
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
