"""One exchange with the SDK's server, in the thread of a request.

Each response is JSON, without sessions: any process can answer the next request, and no stream
holds a connection.
"""

from typing import Any

import anyio
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from agents.mcp.server import server_for
from agents.mcp.tool import Caller

# Django or the web server sets these.
OTHERS_HEADERS = {"content-length", "connection", "date", "server"}


def exchange(request: HttpRequest, caller: Caller) -> HttpResponse:
    response: HttpResponse = async_to_sync(_exchange)(_scope(request), request.body, caller)
    return response


async def _exchange(scope: dict[str, Any], body: bytes, caller: Caller) -> HttpResponse:
    manager = StreamableHTTPSessionManager(server_for(caller), json_response=True, stateless=True)
    received = [{"type": "http.request", "body": body, "more_body": False}]
    response = HttpResponse()

    async def receive() -> dict[str, Any]:
        if not received:
            await anyio.sleep_forever()  # the caller does not hang up
        return received.pop()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            del response["Content-Type"]
            for name, value in message["headers"]:
                if name.decode().lower() not in OTHERS_HEADERS:
                    response[name.decode()] = value.decode("latin-1")
        else:
            response.write(message.get("body", b""))

    async with manager.run():
        await manager.handle_request(scope, receive, send)
    response["Cache-Control"] = "no-store"
    return response


def _scope(request: HttpRequest) -> dict[str, Any]:
    headers = [
        (name.lower().encode(), str(value).encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": None,
        "server": None,
    }
