"""POST /a2a: the JSON-RPC binding of A2A 1.0 (section 9), without streaming. Tasks are jobs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..handler.contract import ContractBroken
from ..handler.results import object_with
from ..http.bodies import RETRY_AFTER, RequestBodies, parse_json
from ..jobs import Job, TooManyJobs
from ..process.lifecycle import Lifecycle
from . import errors
from .content import JSON_TYPE, TEXT_TYPE
from .errors import Busy, RpcError
from .messages import UnsupportedContent, inputs_of
from .tasks import task_of

LONGEST_CONTEXT_ID = 256
UNSUPPORTED = {
    "SendStreamingMessage": errors.UNSUPPORTED,
    "SubscribeToTask": errors.UNSUPPORTED,
    "ListTasks": errors.UNSUPPORTED,
    "GetExtendedAgentCard": errors.UNSUPPORTED,
    "CreateTaskPushNotificationConfig": errors.NO_PUSH,
    "GetTaskPushNotificationConfig": errors.NO_PUSH,
    "ListTaskPushNotificationConfigs": errors.NO_PUSH,
    "DeleteTaskPushNotificationConfig": errors.NO_PUSH,
}


class A2AEndpoint:
    def __init__(self, agent: Lifecycle, bodies: RequestBodies) -> None:
        self._agent = agent
        self._bodies = bodies
        self._methods = {
            "SendMessage": self._send_message,
            "GetTask": self._get_task,
            "CancelTask": self._cancel_task,
        }

    async def respond(self, request: Request) -> Response:
        """Raises HTTPException as RequestBodies.read does."""
        body = await self._bodies.read(request)
        call_id: str | int | None = None
        try:
            call = _parse(body)
            call_id = _call_id(call)
            _check_version(request.headers.get("a2a-version", ""))
            result = await self._call(call)
        except RpcError as error:
            content = {"jsonrpc": "2.0", "id": call_id, "error": error.as_json()}
            if isinstance(error, Busy):
                return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE, headers=RETRY_AFTER)
            return JSONResponse(content)
        response = object_with({"jsonrpc": "2.0", "id": call_id}, "result", result)
        return Response(response, media_type=JSON_TYPE)

    async def _call(self, call: Mapping[str, Any]) -> bytes:
        """Raises RpcError."""
        name, params = call.get("method"), call.get("params", {})
        if not isinstance(name, str):
            raise RpcError(errors.INVALID_REQUEST, "method must be a string")
        if name in UNSUPPORTED:
            raise RpcError(UNSUPPORTED[name], f"this agent has no {name}")
        method = self._methods.get(name)
        if method is None:
            raise RpcError(errors.NO_SUCH_METHOD, "there is no such method in A2A 1.0")
        if not isinstance(params, dict):
            raise RpcError(errors.INVALID_PARAMS, "params must be an object")
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
            raise RpcError(errors.TASK_NOT_CANCELABLE, "the task has ended")
        self._agent.jobs.cancel(job)
        return task_of(job)

    def _check_message(self, message: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
        if not isinstance(message.get("messageId"), str) or not message["messageId"]:
            raise RpcError(errors.INVALID_PARAMS, "message.messageId is missing")
        if message.get("role") != "ROLE_USER":
            raise RpcError(errors.INVALID_PARAMS, "message.role must be ROLE_USER")
        if len(_context_id(message)) > LONGEST_CONTEXT_ID:
            problem = f"contextId may have {LONGEST_CONTEXT_ID} characters"
            raise RpcError(errors.INVALID_PARAMS, problem)
        if task_id := message.get("taskId"):
            self._find(task_id)
            raise RpcError(errors.UNSUPPORTED, "a task of this agent takes no further messages")
        if configuration.get("taskPushNotificationConfig"):
            raise RpcError(errors.NO_PUSH, "this agent sends no notifications; call GetTask")
        modes = configuration.get("acceptedOutputModes") or []
        if not isinstance(modes, list) or (
            modes and not {JSON_TYPE, TEXT_TYPE, "text/*", "*/*"}.intersection(map(str, modes))
        ):
            raise RpcError(errors.WRONG_CONTENT, f"this agent gives {JSON_TYPE} or {TEXT_TYPE}")

    def _start(self, message: Mapping[str, Any]) -> Job:
        if self._agent.draining:
            raise Busy("the agent is stopping")
        contract = self._agent.inputs
        try:
            return self._agent.jobs.start(contract.read(inputs_of(message, contract)))
        except UnsupportedContent as error:
            raise RpcError(errors.WRONG_CONTENT, str(error)) from error
        except ContractBroken as error:
            fields = [
                {"field": ".".join(map(str, each["loc"])), "description": each["msg"]}
                for each in error.errors
            ]
            raise RpcError(errors.INVALID_PARAMS, str(error), fields) from error
        except ValueError as error:
            raise RpcError(errors.INVALID_PARAMS, str(error)) from error
        except TooManyJobs as error:
            raise Busy(str(error)) from error

    def _find(self, task_id: Any) -> Job:
        if not isinstance(task_id, str) or not task_id:
            raise RpcError(errors.INVALID_PARAMS, "the id of a task is missing")
        job = self._agent.jobs.find(task_id)
        if job is None:
            problem = "there is no such task, or it has been forgotten"
            raise RpcError(errors.TASK_NOT_FOUND, problem)
        return job


def _parse(body: bytes) -> dict[str, Any]:
    try:
        call = parse_json(body)
    except ValueError as error:
        raise RpcError(errors.PARSE_ERROR, f"not JSON: {error}") from error
    if not isinstance(call, dict):
        raise RpcError(errors.INVALID_REQUEST, "a call is one object; batches are not supported")
    return call


def _call_id(call: Mapping[str, Any]) -> str | int:
    call_id = call.get("id")
    if call.get("jsonrpc") != "2.0":
        raise RpcError(errors.INVALID_REQUEST, 'jsonrpc must be "2.0"')
    # A notification, without an id, would be of no use here.
    if isinstance(call_id, bool) or not isinstance(call_id, str | int):
        raise RpcError(errors.INVALID_REQUEST, "id must be a string or an integer")
    return call_id


def _check_version(version: str) -> None:
    # None would mean 0.3 (section 3.6), whose methods have other names.
    if version and version.partition(".")[0] != "1":
        raise RpcError(errors.WRONG_VERSION, "this agent speaks A2A 1.0")


def _object(
    params: Mapping[str, Any], key: str, default: dict[str, Any] | None = None
) -> dict[str, Any]:
    value = params.get(key, default)
    if not isinstance(value, dict):
        raise RpcError(errors.INVALID_PARAMS, f"{key} must be an object")
    return value


def _context_id(message: Mapping[str, Any]) -> str:
    context_id = message.get("contextId")
    return context_id if isinstance(context_id, str) else ""
