"""A2A 1.0, section 9, and 0.3."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..handler.results import object_with_result
from ..http.bodies import RETRY_AFTER, RequestBodies
from ..http.event_streams import EventStream
from ..process.lifecycle import Lifecycle
from . import errors
from .content import JSON_TYPE
from .errors import Busy, RpcError
from .methods import Methods
from .rpc import CallId, call_id, check_call, parse_call
from .streams import TaskStream
from .v0_3.calls import call_of
from .v0_3.wire import V0_3
from .wire import V1, Wire

VERSION = "A2A-Version"
# Patch versions do not count (section 3.6).
VERSION_1_0 = re.compile(r"1\.0(\.\d+)?")
VERSION_0_3 = re.compile(r"0\.3(\.\d+)?")


class A2AEndpoint:
    def __init__(self, agent: Lifecycle, bodies: RequestBodies) -> None:
        self._bodies = bodies
        self._methods = Methods(agent)
        self._speaks_0_3 = agent.config.a2a_0_3

    async def respond(self, request: Request) -> Response:
        body = await self._bodies.read(request)
        identity: CallId = None
        try:
            call = parse_call(body)
            identity = call_id(call)
            name, params, wire = self._translated(request, *check_call(call))
            result = await self._methods.find(name)(params, wire)
        except RpcError as error:
            content = {"jsonrpc": "2.0", "id": identity, "error": error.as_json()}
            if isinstance(error, Busy):
                return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE, headers=RETRY_AFTER)
            return JSONResponse(content)
        if isinstance(result, TaskStream):
            return EventStream(_events(result, identity), result.leave)
        return Response(_response(identity, result), media_type=JSON_TYPE)

    def _translated(
        self, request: Request, name: str, params: dict[str, Any]
    ) -> tuple[str, dict[str, Any], Wire]:
        """Return a call of 1.0, and how to write the response. Raises RpcError."""
        sent = request.headers.get(VERSION) or request.query_params.get(VERSION, "")
        # No version means 0.3 (section 3.6.2), unless the method's name is of 1.0.
        version = sent.strip() or ("0.3" if "/" in name else "1.0")
        if VERSION_1_0.fullmatch(version):
            return name, params, V1
        if self._speaks_0_3 and VERSION_0_3.fullmatch(version):
            return *call_of(name, params), V0_3
        versions = "1.0 and 0.3" if self._speaks_0_3 else "1.0"
        raise RpcError(errors.WRONG_VERSION, f"this agent speaks A2A {versions}")


async def _events(stream: TaskStream, identity: CallId) -> AsyncGenerator[bytes]:
    async with aclosing(stream.events()) as results:
        async for result in results:
            yield b"data: " + _response(identity, result) + b"\n\n"


def _response(identity: CallId, result: bytes) -> bytes:
    return object_with_result({"jsonrpc": "2.0", "id": identity}, result)
