"""POST /a2a: the JSON-RPC binding of A2A 1.0 (section 9)."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..handler.results import object_with
from ..http.bodies import RETRY_AFTER, RequestBodies
from ..http.event_streams import EventStream
from ..process.lifecycle import Lifecycle
from . import errors
from .content import JSON_TYPE
from .errors import Busy, RpcError
from .methods import Methods
from .rpc import CallId, call_id, check_call, parse_call
from .streams import TaskStream
from .wire import V1, Wire

VERSION = "A2A-Version"
# None would mean 0.3 (section 3.6), whose methods have other names. Patches do not count.
VERSION_1 = re.compile(r"(1\.0(\.\d+)?)?")


class A2AEndpoint:
    def __init__(self, agent: Lifecycle, bodies: RequestBodies) -> None:
        self._bodies = bodies
        self._methods = Methods(agent)

    async def respond(self, request: Request) -> Response:
        """Raises HTTPException as RequestBodies.read does."""
        body = await self._bodies.read(request)
        identity: CallId = None
        try:
            call = parse_call(body)
            identity = call_id(call)
            name, params = check_call(call)
            result = await self._methods.find(name)(params, _wire(request))
        except RpcError as error:
            content = {"jsonrpc": "2.0", "id": identity, "error": error.as_json()}
            if isinstance(error, Busy):
                return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE, headers=RETRY_AFTER)
            return JSONResponse(content)
        if isinstance(result, TaskStream):
            return EventStream(_events(result, identity), result.leave)
        return Response(_response(identity, result), media_type=JSON_TYPE)


async def _events(stream: TaskStream, identity: CallId) -> AsyncGenerator[bytes]:
    async with aclosing(stream.events()) as results:
        async for result in results:
            yield b"data: " + _response(identity, result) + b"\n\n"


def _response(identity: CallId, result: bytes) -> bytes:
    return object_with({"jsonrpc": "2.0", "id": identity}, "result", result)


def _wire(request: Request) -> Wire:
    version = request.headers.get(VERSION) or request.query_params.get(VERSION, "")
    if not VERSION_1.fullmatch(version.strip()):
        raise RpcError(errors.WRONG_VERSION, "this agent speaks A2A 1.0")
    return V1
