"""Routes HEAD as GET, and paths with a trailing slash as without."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Routing:
    """ASGI middleware. The server sends no body in response to HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            # A redirect would need the scheme and host that the client used.
            scope = {**scope, "method": method, "path": scope["path"].rstrip("/") or "/"}
        await self._app(scope, receive, send)
