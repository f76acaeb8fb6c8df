"""POST /a2a: the JSON-RPC binding of A2A 1.0 (section 9), for agents that answer in one piece.

It has SendMessage, GetTask and CancelTask; a task is a job of the agent's, under the same id.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..handler.contract import ContractBroken
from ..http.bodies import RETRY_AFTER, RequestBodies, parse_json
from ..jobs import Job, TooManyJobs
from ..process.lifecycle import Lifecycle
from .card import JSON_TYPE, TEXT_TYPE
from .messages import UnsupportedContent, inputs_of, task_of

PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
INTERNAL_ERROR = -32603
# A2A 1.0, section 5.4: the code of each error, and the reason that goes with it.
TASK_NOT_FOUND = (-32001, "TASK_NOT_FOUND")
TASK_NOT_CANCELABLE = (-32002, "TASK_NOT_CANCELABLE")
NO_PUSH = (-32003, "PUSH_NOTIFICATION_NOT_SUPPORTED")
UNSUPPORTED = (-32004, "UNSUPPORTED_OPERATION")
WRONG_CONTENT = (-32005, "CONTENT_TYPE_NOT_SUPPORTED")
WRONG_VERSION = (-32009, "VERSION_NOT_SUPPORTED")
# It is remembered with the task.
LONGEST_CONTEXT_ID = 256
# Methods of the protocol that this agent does not have.
WITHOUT = {
    **dict.fromkeys(("SendStreamingMessage", "SubscribeToTask", "ListTasks"), UNSUPPORTED),
    "GetExtendedAgentCard": UNSUPPORTED,
    "CreateTaskPushNotificationConfig": NO_PUSH,
    "GetTaskPushNotificationConfig": NO_PUSH,
    "ListTaskPushNotificationConfigs": NO_PUSH,
    "DeleteTaskPushNotificationConfig": NO_PUSH,
}


class RpcError(Exception):
    def __init__(
        self, code: int | tuple[int, str], message: str, data: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message)
        self.code, reason = code if isinstance(code, tuple) else (code, None)
        self.data = data or []
        if reason:
            self.data.append(
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": reason,
                    "domain": "a2a-protocol.org",
                }
            )


class Busy(RpcError):
    """Later. It is told by the HTTP status too: nobody tries again for a code inside of a 200."""


class A2ADoor:
    def __init__(self, agent: Lifecycle, bodies: RequestBodies) -> None:
        self._agent = agent
        self._bodies = bodies
        self._methods = {
            "SendMessage": self._send_message,
            "GetTask": self._get_task,
            "CancelTask": self._cancel_task,
        }

    async def answer(self, request: Request) -> Response:
        """Answer one call. Raises HTTPException for a body that is none of JSON-RPC's business."""
        body = await self._bodies.read(request)
        call_id: str | int | None = None
        try:
            call = _parse(body)
            call_id = _call_id(call)
            _check_version(request.headers.get("a2a-version", ""))
            result = await self._call(call)
        except RpcError as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Busy) else HTTPStatus.OK
            told: dict[str, Any] = {"code": error.code, "message": str(error)}
            if error.data:
                told["data"] = error.data
            headers = RETRY_AFTER if isinstance(error, Busy) else None
            return JSONResponse(
                {"jsonrpc": "2.0", "id": call_id, "error": told}, status, headers=headers
            )
        head = json.dumps({"jsonrpc": "2.0", "id": call_id}).encode()
        return Response(head[:-1] + b', "result": ' + result + b"}", media_type=JSON_TYPE)

    async def _call(self, call: Mapping[str, Any]) -> bytes:
        """Return the result, in JSON. Raises RpcError."""
        name, params = call.get("method"), call.get("params", {})
        if not isinstance(name, str):
            raise RpcError(INVALID_REQUEST, "method must be a string")
        if name in WITHOUT:
            raise RpcError(WITHOUT[name], f"this agent has no {name}")
        method = self._methods.get(name)
        if method is None:
            raise RpcError(NO_SUCH_METHOD, "there is no such method in A2A 1.0")
        if not isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "params must be an object")
        return await method(params)

    async def _send_message(self, params: Mapping[str, Any]) -> bytes:
        message = _object(params, "message")
        configuration = _object(params, "configuration", {})
        self._check_message(message, configuration)
        job = self._start(message)
        job.context_id = _context_id(message) or job.id
        self._agent.jobs.remember(job)
        modes = configuration.get("acceptedOutputModes") or [JSON_TYPE]
        job.wants_text = JSON_TYPE not in modes and "*/*" not in modes
        if not configuration.get("returnImmediately"):
            await self._agent.jobs.wait(job, self._agent.config.sync_timeout)
        return b'{"task": ' + task_of(job) + b"}"

    async def _get_task(self, params: Mapping[str, Any]) -> bytes:
        return task_of(self._find(params.get("id")))

    async def _cancel_task(self, params: Mapping[str, Any]) -> bytes:
        job = self._find(params.get("id"))
        if job.state != "running":
            raise RpcError(TASK_NOT_CANCELABLE, "the task has ended")
        self._agent.jobs.cancel(job)
        return task_of(job)

    def _check_message(self, message: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
        if not isinstance(message.get("messageId"), str) or not message["messageId"]:
            raise RpcError(INVALID_PARAMS, "message.messageId is missing")
        if message.get("role") != "ROLE_USER":
            raise RpcError(INVALID_PARAMS, "message.role must be ROLE_USER")
        if len(_context_id(message)) > LONGEST_CONTEXT_ID:
            raise RpcError(INVALID_PARAMS, f"contextId may have {LONGEST_CONTEXT_ID} characters")
        if task_id := message.get("taskId"):
            self._find(task_id)
            raise RpcError(UNSUPPORTED, "a task of this agent takes no further messages")
        if configuration.get("taskPushNotificationConfig"):
            raise RpcError(NO_PUSH, "this agent sends no notifications; ask GetTask")
        modes = configuration.get("acceptedOutputModes") or []
        if not isinstance(modes, list) or (
            modes and not {JSON_TYPE, TEXT_TYPE, "text/*", "*/*"}.intersection(map(str, modes))
        ):
            raise RpcError(WRONG_CONTENT, f"this agent answers {JSON_TYPE} or {TEXT_TYPE}")

    def _start(self, message: Mapping[str, Any]) -> Job:
        if self._agent.draining:
            raise Busy(INTERNAL_ERROR, "the agent is stopping")
        contract = self._agent.inputs
        try:
            return self._agent.jobs.start(contract.read(inputs_of(message, contract)))
        except UnsupportedContent as error:
            raise RpcError(WRONG_CONTENT, str(error)) from error
        except ContractBroken as error:
            raise RpcError(INVALID_PARAMS, str(error), _field_violations(error)) from error
        except ValueError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        except TooManyJobs as error:
            raise Busy(INTERNAL_ERROR, str(error)) from error

    def _find(self, task_id: Any) -> Job:
        if not isinstance(task_id, str) or not task_id:
            raise RpcError(INVALID_PARAMS, "the id of a task is missing")
        job = self._agent.jobs.find(task_id)
        if job is None:
            raise RpcError(TASK_NOT_FOUND, "there is no such task, or it has been forgotten")
        return job


def _parse(body: bytes) -> dict[str, Any]:
    try:
        call = parse_json(body)
    except ValueError as error:
        raise RpcError(PARSE_ERROR, f"no JSON: {error}") from error
    if not isinstance(call, dict):
        raise RpcError(INVALID_REQUEST, "a call is one object; batches are not taken")
    return call


def _call_id(call: Mapping[str, Any]) -> str | int:
    call_id = call.get("id")
    if call.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'jsonrpc must be "2.0"')
    # A call without an id wants no answer; but each of ours is about its answer.
    if isinstance(call_id, bool) or not isinstance(call_id, str | int):
        raise RpcError(INVALID_REQUEST, "id must be a string or an integer")
    return call_id


def _check_version(version: str) -> None:
    # None at all would mean 0.3 (section 3.6), whose methods have other names than these.
    if version and version.partition(".")[0] != "1":
        raise RpcError(WRONG_VERSION, "this agent speaks A2A 1.0")


def _object(
    params: Mapping[str, Any], key: str, default: dict[str, Any] | None = None
) -> dict[str, Any]:
    value = params.get(key, default)
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, f"{key} must be an object")
    return value


def _context_id(message: Mapping[str, Any]) -> str:
    context_id = message.get("contextId")
    return context_id if isinstance(context_id, str) else ""


def _field_violations(error: ContractBroken) -> list[dict[str, Any]]:
    violations = [
        {"field": ".".join(map(str, each["loc"])), "description": each["msg"]}
        for each in error.errors
    ]
    return [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]
