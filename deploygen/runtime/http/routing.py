"""Requests that reach the same route as another: HEAD as GET, a path with a slash at its end."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Routing:
    """ASGI middleware. The server sends no body in response to HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            # Not by a redirection: its URL would need the scheme and host that the client used.
            scope = {**scope, "method": method, "path": scope["path"].rstrip("/") or "/"}
        await self._app(scope, receive, send)
