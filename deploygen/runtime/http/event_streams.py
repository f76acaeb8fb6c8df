import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus

from fastapi import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"
# Proxies commonly close connections that are silent for a minute.
KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": keep-alive\n\n"


class EventStream(StreamingResponse):
    """Sends server-sent events, and comments while there are none.

    The generator's HTTPException becomes the response, or the last event.
    """

    media_type = MEDIA_TYPE

    def __init__(self, events: AsyncGenerator[bytes], close: Callable[[], None]) -> None:
        """`events`: from `event`. `close` is called at the end, even if none was sent."""
        # nginx would buffer events.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers)
        self._events = events
        self._close = close
        self._started = False

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Raises ClientDisconnect."""
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            self._close()
            await asyncio.wait([sending, leaving])
        if sending.cancelled():
            raise ClientDisconnect
        sending.result()

    async def stream_response(self, send: Send) -> None:
        try:
            try:
                while (sent := await self._next(send)) is not None:
                    await self._send(send, sent)
            except HTTPException as error:
                if not self._started:
                    raise
                await self._send(send, error_event(error))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._events.aclose()

    async def _next(self, send: Send) -> bytes | None:
        coming = asyncio.ensure_future(anext(self._events, None))
        try:
            while not coming.done():
                await asyncio.wait([coming], timeout=KEEP_ALIVE_SECONDS)
                if not coming.done():
                    await self._send(send, KEEP_ALIVE)
            return coming.result()
        finally:
            coming.cancel()
            await asyncio.wait([coming])

    async def _send(self, send: Send, event: bytes) -> None:
        if not self._started:
            self._started = True
            start = {"type": "http.response.start", "status": HTTPStatus.OK}
            await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": event, "more_body": True})


def event(name: str, data: bytes) -> bytes:
    """`data`: JSON, on one line."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def error_event(error: HTTPException) -> bytes:
    data = {"status": error.status_code, "detail": error.detail}
    return event("error", json.dumps(data).encode())
