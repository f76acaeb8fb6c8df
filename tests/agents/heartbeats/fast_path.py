"""A test client that sends heartbeats to the fast path as the bytes a server would read."""

import json
from email.parser import BytesHeaderParser
from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.test import APIClient

from agents.heartbeats.calls import Call
from agents.heartbeats.fast_path import FastPath, Response
from agents.heartbeats.group_commit import GroupCommit
from registry_project.security.proxies import Trust

PEER = "127.0.0.1"


class FastPathClient(APIClient):
    """As in the server, requests that the fast path declines go to Django.

    `taken` records for each heartbeat whether the fast path took it.
    """

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.taken: list[bool] = []
        self._delivered: list[Call] = []
        self._commits = GroupCommit(self._delivered.extend)
        self._fast_path = FastPath(self._commits, Trust().client_of)

    def generic(self, method: str, path: Any, data: Any = "", *rest: Any, **extra: Any) -> Any:
        headers = {**_headers_of(extra), **(extra.get("headers") or {})}
        content_type = rest[0] if rest else extra.get("content_type", "application/octet-stream")
        answer = self.send(self._request(method, path, data, content_type, headers))
        if answer is not None:
            return response_of(answer)
        return super().generic(method, path, data, *rest, **extra)

    def send(self, request: bytes) -> bytes | None:
        """Return the fast path's response to a request, or None if it leaves it to Django."""
        taken = self._fast_path.take(request, PEER, self)
        self.taken.append(taken is not False)
        if isinstance(taken, Response):
            return taken.content
        if taken is False:
            return None
        while not self._delivered:
            self._commits.commit_waiting()
        [answer] = self._fast_path.responses(self._delivered)
        self._delivered.clear()
        assert answer.caller is self
        return answer.content

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
