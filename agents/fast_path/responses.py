import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer

from agents.metrics import counters
from agents.problems.details import MEDIA_TYPE
from agents.problems.errors import TRANSLATIONS
from agents.problems.responses import fault_response, problem_response
from agents.tokens import lease as lease_tokens

JSON = "application/json"
OF_EACH_RESPONSE = {
    "content-type",
    "content-length",
    "server",
    "date",
    "connection",
    "set-cookie",
}


class DjangoHeaders:
    """What Django's middleware adds, from a response to OPTIONS."""

    def __init__(self) -> None:
        self._handler: WSGIHandler | None = None
        self._known: dict[tuple[bool, str], bytes] = {}

    def get(self, scheme: str, host: str, *, has_token: bool) -> bytes:
        key = has_token, scheme
        known = self._known.get(key)
        if known is None:
            response = self._request(scheme, host, has_token=has_token)
            known = _lines(response)
            # An error's headers are not for later responses.
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._known[key] = known
        return known

    def _request(self, scheme: str, host: str, *, has_token: bool) -> HttpResponseBase:
        self._handler = self._handler or WSGIHandler()
        environ = _options(scheme, host)
        if has_token:  # without one, it varies with the cookie
            environ["PATH_INFO"] = "/agents/a/heartbeat"
            environ["HTTP_LEASE_TOKEN"] = lease_tokens.issue("a", 1)
        return self._handler.get_response(WSGIRequest(environ))


class Problem(NamedTuple):
    status: int
    headers: bytes
    body: bytes


class Responses:
    def __init__(self) -> None:
        self._second = 0
        self._date = b""
        self._renderer = JSONRenderer()
        self._problems: dict[type[APIException], Problem] = {}

    def ok(
        self, content: Any, headers: bytes, *, keeps_open: bool, status: int = HTTPStatus.OK
    ) -> bytes:
        start = _start_lines(status, JSON, keeps_open)
        return self._response(start, headers, self._renderer.render(content))

    def problem(self, error: Exception, headers: bytes, *, keeps_open: bool) -> bytes:
        kind = TRANSLATIONS.get(type(error))
        problem = None if kind is None else self._problems.get(kind)
        if kind is None or problem is None:
            response = problem_response(error, {}) or fault_response()
            body = self._renderer.render(response.data)
            problem = Problem(response.status_code, _lines(response), body)
            if kind is not None:
                self._problems[kind] = problem
        else:
            counters.count_refusal(kind.default_code)
        start = _start_lines(problem.status, MEDIA_TYPE, keeps_open)
        return self._response(start, headers + problem.headers, problem.body)

    def _response(self, start: bytes, headers: bytes, body: bytes) -> bytes:
        return b"%sDate: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
            start,
            self._now(),
            headers,
            len(body),
            body,
        )

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return self._date


def fallback_fault(*, keeps_open: bool) -> bytes:
    start = _start_lines(HTTPStatus.INTERNAL_SERVER_ERROR, MEDIA_TYPE, keeps_open)
    return start + b"Retry-After: 5\r\nContent-Length: 0\r\n\r\n"


@lru_cache(maxsize=64)
def _start_lines(status: int, media_type: str, keeps_open: bool) -> bytes:
    connection = "keep-alive" if keeps_open else "close"
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: gunicorn\r\n"
        f"Connection: {connection}\r\nContent-Type: {media_type}\r\n"
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
    lines = [
        f"{name}: {value}\r\n".encode("latin-1")
        for name, value in response.items()
        if name.lower() not in OF_EACH_RESPONSE
    ]
    return b"".join(lines)
