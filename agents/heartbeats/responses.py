"""What the door answers, as Django would: the same status, headers and body."""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponseBase
from rest_framework.renderers import JSONRenderer

from agents.api.errors import MEDIA_TYPE, fault_response, problem_response
from agents.tokens import lease as lease_tokens

JSON = "application/json"
# Told by the server for each answer, or by what the answer is.
OF_EACH_ANSWER = {"content-type", "content-length", "server", "date", "connection", "set-cookie"}


class Headers:
    """The headers that Django and its middleware give to answers about heartbeats.

    They are learnt from Django itself, by a call that asks what may be done with a heartbeat
    (OPTIONS): so they are the same here, whatever middleware is set.
    """

    def __init__(self) -> None:
        self._handler: WSGIHandler | None = None
        self._known: dict[tuple[bool, str], bytes] = {}

    def of(self, scheme: str, host: str, *, is_of_a_lease: bool) -> bytes:
        """Return them for a call by the token of a lease, or by none."""
        key = is_of_a_lease, scheme
        known = self._known.get(key)
        if known is None:
            response = self._ask(scheme, host, is_of_a_lease=is_of_a_lease)
            known = _lines(response)
            # What Django says with a fault is not to be said with every answer from then on.
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._known[key] = known
        return known

    def _ask(self, scheme: str, host: str, *, is_of_a_lease: bool) -> HttpResponseBase:
        self._handler = self._handler or WSGIHandler()
        environ = _options(scheme, host)
        if is_of_a_lease:
            environ["PATH_INFO"] = "/agents/a/heartbeat"
            environ["HTTP_LEASE_TOKEN"] = lease_tokens.issue("a", 1)
        return self._handler.get_response(WSGIRequest(environ))


class Answers:
    """Makes whole answers."""

    def __init__(self) -> None:
        self._second = 0
        self._date = b""
        self._renderer = JSONRenderer()

    def ok(self, said: Any, headers: bytes, *, keeps_open: bool) -> bytes:
        body = self._renderer.render(said)
        return self._answer(_Head(HTTPStatus.OK, JSON, keeps_open), body, headers)

    def problem(self, error: Exception, headers: bytes, *, keeps_open: bool) -> bytes:
        """Return the answer to an error, and count it."""
        response = problem_response(error, {}) or fault_response()
        body = self._renderer.render(response.data)
        headers += _lines(response)
        return self._answer(_Head(response.status_code, MEDIA_TYPE, keeps_open), body, headers)

    def _answer(self, head: "_Head", body: bytes, headers: bytes) -> bytes:
        date, length = self._now(), len(body)
        return b"%sDate: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
            *(_beginning(head), date, headers, length, body),
        )

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return self._date


class _Head(NamedTuple):
    status: int
    kind: str
    keeps_open: bool


def fault(*, keeps_open: bool) -> bytes:
    """Return an answer for when no other could be made."""
    head = _Head(HTTPStatus.INTERNAL_SERVER_ERROR, MEDIA_TYPE, keeps_open)
    return _beginning(head) + b"Retry-After: 5\r\nContent-Length: 0\r\n\r\n"


@lru_cache(maxsize=64)
def _beginning(head: _Head) -> bytes:
    connection = "keep-alive" if head.keeps_open else "close"
    return (
        f"HTTP/1.1 {head.status} {HTTPStatus(head.status).phrase}\r\nServer: gunicorn\r\n"
        f"Connection: {connection}\r\nContent-Type: {head.kind}\r\n"
    ).encode()


def _options(scheme: str, host: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "OPTIONS",
        "PATH_INFO": "/agents/heartbeat",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host,
        "HTTP_ACCEPT": JSON,
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(),
    }


def _lines(response: HttpResponseBase) -> bytes:
    """Return the headers of a response that are not of each answer, as they are sent."""
    kept = {name: value for name, value in response.items() if name.lower() not in OF_EACH_ANSWER}
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in kept.items())
