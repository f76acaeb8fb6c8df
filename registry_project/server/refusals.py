"""Answers of the web server itself, with the CORS headers that Django adds to others."""

import json
import re

from django.conf import settings

from registry_project.server.framing import HEAD_END
from registry_project.server.outgoing import Outgoing

ORIGIN = re.compile(rb"\r\norigin:[ \t]*([!-~]+)[ \t]*(?=\r\n|$)", re.IGNORECASE)
NO_ROOM_PROBLEM = json.dumps(
    {"title": "Service Unavailable", "status": 503, "detail": "Too many event streams are open."}
).encode()
NO_ROOM = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s"
) % (len(NO_ROOM_PROBLEM), NO_ROOM_PROBLEM)


class Refusal:
    """Adds headers to a whole answer. `request` may lack its end.

    gunicorn writes errors into it as into a socket.
    """

    def __init__(self, outgoing: Outgoing, request: bytes) -> None:
        self._outgoing = outgoing
        self._lines = _cross_origin_lines(request)

    def sendall(self, answer: bytes) -> None:
        status, end, rest = answer.partition(b"\r\n")
        self._outgoing.sendall(status + end + self._lines + rest)

    def gettimeout(self) -> float:
        return self._outgoing.gettimeout()


def _cross_origin_lines(request: bytes) -> bytes:
    if not settings.CORS_ALLOWED_ORIGINS:
        return b""
    end = request.find(HEAD_END)
    found = ORIGIN.search(request, 0, len(request) if end < 0 else end)
    if found is None or found[1].decode() not in settings.CORS_ALLOWED_ORIGINS:
        return b"Vary: origin\r\n"
    exposed = ", ".join(settings.CORS_EXPOSE_HEADERS).encode()
    return (
        b"Vary: origin\r\nAccess-Control-Allow-Origin: %s\r\n"
        b"Access-Control-Expose-Headers: %s\r\n" % (found[1], exposed)
    )
