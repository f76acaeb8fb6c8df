"""Protects against DNS rebinding, by which a website's pages call an agent from browsers.

The website's name resolves to the agent; only the header Host shows that.
"""

import re
import socket
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "AGENT_ALLOWED_HOSTS"
HOST = re.compile(
    r"(?P<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]+(?:%[a-z0-9._~%-]+)?\])(?::[0-9]{1,5})?",
    re.IGNORECASE,
)
# Nobody can own such a name, or one without a dot, in public DNS.
NOT_PUBLIC = (".localhost", ".local", ".internal", ".svc", ".lan", ".home.arpa", ".test")
# Probes use any name.
UNCHECKED = frozenset({"/health", "/health/live", "/health/ready"})
LONGEST_SHOWN = 100


class AllowedHosts:
    def __init__(
        self, allowed: Sequence[str], environ: Mapping[str, str], *, requires_token: bool
    ) -> None:
        """`allowed`: more names, .DOMAIN for all below it, or *.

        If empty, and tokens are required, all names: pages have no token.
        """
        self._takes_all = "*" in allowed or (requires_token and not allowed)
        self._names = _own_names(environ) | set(allowed)
        self._ends = (*NOT_PUBLIC, *(each for each in allowed if each.startswith(".")))

    def accept(self, header: str) -> bool:
        match = HOST.fullmatch(header)
        if match is None:
            return False
        name = match["name"].lower().rstrip(".")
        return (
            self._takes_all
            or "." not in name
            or name in self._names
            or name.endswith(self._ends)
            or _is_address(name)
        )


class Hosts:
    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in UNCHECKED:
            header = Headers(scope=scope).get("host", "")
            if not self._hosts.accept(header):
                problem = f"the host {header[:LONGEST_SHOWN]!r} is not one of this agent's: "
                problem += f"{VARIABLE} has to name it"
                refusal = JSONResponse({"detail": problem}, HTTPStatus.BAD_REQUEST)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _own_names(environ: Mapping[str, str]) -> frozenset[str]:
    public = urlsplit(environ.get("AGENT_PUBLIC_URL", "")).hostname
    names = ("localhost", socket.gethostname(), environ.get("AGENT_HOST"), public)
    return frozenset(name.lower().rstrip(".") for name in names if name)


def _is_address(name: str) -> bool:
    # Addresses cannot be rebound.
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
