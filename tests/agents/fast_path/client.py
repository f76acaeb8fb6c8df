"""A test client that sends requests to the fast paths as the bytes a server would read."""

import json
from collections.abc import Mapping
from email.parser import BytesHeaderParser
from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.test import APIClient

from agents.fast_path.front import Front
from agents.fast_path.outcomes import HandOver, Response
from agents.heartbeats import fast_path as heartbeats
from agents.registrations import fast_path as registrations
from registry_project.security.proxies import Trust

PEER = "127.0.0.1"


class FastPathClient(APIClient):
    """As in the server, requests that the fast paths decline go to Django.

    `taken` records for each request whether a fast path answered it.
    """

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.taken: list[bool] = []
        front = Front(Trust().client_of)
        self._paths = [_Path(heartbeats, front), _Path(registrations, front)]

    def generic(self, method: str, path: Any, data: Any = "", *rest: Any, **extra: Any) -> Any:
        headers = {**_headers_of(extra), **(extra.get("headers") or {})}
        content_type = rest[0] if rest else extra.get("content_type", "application/octet-stream")
        answer = self.send(self._request(method, path, data, content_type, headers))
        if isinstance(answer, bytes):
            return response_of(answer)
        extra |= answer
        return super().generic(method, path, data, *rest, **extra)

    def send(self, request: bytes) -> bytes | Mapping[str, Any]:
        """Return the response of a fast path, or what to add to the WSGI environment for Django."""
        for path in self._paths:
            answer = path.send(request)
            if answer is not None:
                self.taken.append(isinstance(answer, Response))
                return answer.content if isinstance(answer, Response) else answer.environ
        self.taken.append(False)
        return {}

    def _request(
        self, method: str, path: str, data: Any, content_type: str | None, headers: Any
    ) -> bytes:
        body = data if isinstance(data, bytes) else str(data).encode()
        lines = {
            "Host": "testserver",
            "Accept": "*/*",
            **_headers_of(self._credentials),  # type: ignore[attr-defined]  # of DRF
            **headers,
        }
        if body:
            lines |= {"Content-Type": content_type, "Content-Length": str(len(body))}
        if self.cookies:
            lines["Cookie"] = self.cookies.output(header="", sep=";").strip()
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class _Path:
    """A fast path whose commits are made by the thread of the test."""

    def __init__(self, kind: Any, front: Front) -> None:
        self._delivered: list[Any] = []
        self._commits = kind.FastPath.group_commit(self._delivered.extend)
        self._fast_path = kind.FastPath(self._commits, front)

    def send(self, request: bytes) -> Response | HandOver | None:
        taken = self._fast_path.take(request, PEER, self)
        if not isinstance(taken, bool):
            return taken  # type: ignore[no-any-return]
        if not taken:
            return None
        while not self._delivered:
            self._commits.commit_waiting()
        [answer] = self._fast_path.responses(self._delivered)
        self._delivered.clear()
        assert answer.caller is self
        return answer  # type: ignore[no-any-return]


def _headers_of(environ: dict[str, Any]) -> dict[str, str]:
    """Convert headers from their form in a WSGI environ."""
    names = [name for name in environ if name.startswith("HTTP_")]
    return {name.removeprefix("HTTP_").replace("_", "-").title(): environ[name] for name in names}


def response_of(answer: bytes) -> HttpResponse:
    """Parse raw bytes into the response that Django's client would return."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, _, lines = head.partition(b"\r\n")
    headers = BytesHeaderParser().parsebytes(lines)
    response = HttpResponse(body, status=int(status.split()[1]))
    for name, value in headers.items():
        response[name] = value
    assert int(response["Content-Length"]) == len(body)
    response.json = partial(json.loads, body)  # type: ignore[attr-defined]
    return response
