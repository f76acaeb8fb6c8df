import logging
import re
import time
import uuid
from contextvars import ContextVar
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..handler.context import Context
from .calls import current_call

logger = logging.getLogger("agent.requests")

HEADER = "X-Request-ID"
SAFE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
UNLOGGED = ("/health", "/metrics")

request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIds:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get(HEADER, "")
        identity = sent if SAFE.fullmatch(sent) else uuid.uuid4().hex
        began = time.monotonic()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = identity
            await send(message)

        token = request_id.set(identity)
        caller = scope["client"][0] if scope.get("client") else ""
        current_call.set(Context(request_id=identity, caller=caller, headers=headers))
        try:
            await self._call_app(scope, receive, send_with_id)
            if not scope["path"].startswith(UNLOGGED):
                milliseconds = round((time.monotonic() - began) * 1000, 1)
                logger.info(
                    "%s %s: %s",
                    scope["method"],
                    _printable(scope["path"]),
                    status or "no response",
                    extra={"status": status, "milliseconds": milliseconds},
                )
        finally:
            request_id.reset(token)

    async def _call_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            logger.info("the client has gone away")
        except Exception:
            logger.exception("the agent failed")
            content = {"detail": "the agent failed; its log has more, under the id of this request"}
            await JSONResponse(content, HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send)


def _printable(path: str) -> str:
    return path if path.isprintable() else ascii(path)
