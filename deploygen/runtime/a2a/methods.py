"""A2A 1.0, section 3.1. Tasks are jobs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..handler.contract import ContractBroken
from ..jobs import Job, TooManyJobs
from ..process.lifecycle import Lifecycle
from . import errors
from .errors import Busy, RpcError
from .listing import task_page
from .messages import check_message, inputs_of, stored_message
from .output import output_for
from .params import flag, history_length, invalid, member, optional_object, required_object, text
from .streams import TaskStream
from .tasks import task_of
from .wire import Wire

Method = Callable[[Mapping[str, Any], Wire], Awaitable[bytes | TaskStream]]

UNSUPPORTED = {
    "GetExtendedAgentCard": errors.UNSUPPORTED,
    "CreateTaskPushNotificationConfig": errors.NO_PUSH,
    "GetTaskPushNotificationConfig": errors.NO_PUSH,
    "ListTaskPushNotificationConfigs": errors.NO_PUSH,
    "DeleteTaskPushNotificationConfig": errors.NO_PUSH,
}


class Methods:
    """All raise RpcError."""

    def __init__(self, agent: Lifecycle) -> None:
        self._agent = agent
        self._by_name: dict[str, Method] = {
            "SendMessage": self._send_message,
            "SendStreamingMessage": self._send_streaming_message,
            "GetTask": self._get_task,
            "ListTasks": self._list_tasks,
            "CancelTask": self._cancel_task,
            "SubscribeToTask": self._subscribe_to_task,
        }

    def find(self, name: str) -> Method:
        if name in UNSUPPORTED:
            raise RpcError(UNSUPPORTED[name], f"this agent has no {name}")
        method = self._by_name.get(name)
        if method is None:
            raise RpcError(errors.NO_SUCH_METHOD, "there is no such method in A2A 1.0")
        return method

    async def _send_message(self, params: Mapping[str, Any], wire: Wire) -> bytes:
        configuration = optional_object(params, "configuration")
        length = history_length(configuration)
        returns_immediately = flag(configuration, "returnImmediately")
        job = self._start(required_object(params, "message"), configuration)
        if not returns_immediately:
            await job.ended.wait()
        return wire.streamed("task", task_of(job, wire, history_length=length))

    async def _send_streaming_message(self, params: Mapping[str, Any], wire: Wire) -> TaskStream:
        configuration = optional_object(params, "configuration")
        length = history_length(configuration)
        return TaskStream(
            self._start(required_object(params, "message"), configuration), wire, length
        )

    async def _subscribe_to_task(self, params: Mapping[str, Any], wire: Wire) -> TaskStream:
        job = self._find(params)
        if job.state != "running":
            raise RpcError(errors.UNSUPPORTED, "the task has ended; call GetTask")
        return TaskStream(job, wire)

    async def _get_task(self, params: Mapping[str, Any], wire: Wire) -> bytes:
        return task_of(self._find(params), wire, history_length=history_length(params))

    async def _list_tasks(self, params: Mapping[str, Any], wire: Wire) -> bytes:
        context_id = text(params, "contextId")
        # Otherwise each caller would see all others' tasks.
        jobs = self._agent.jobs.in_context(context_id) if context_id else []
        return task_page(jobs, params, wire)

    async def _cancel_task(self, params: Mapping[str, Any], wire: Wire) -> bytes:
        job = self._find(params)
        if job.state != "running":
            raise RpcError(errors.TASK_NOT_CANCELABLE, "the task has ended")
        self._agent.jobs.cancel(job)
        return task_of(job, wire)

    def _start(self, message: Mapping[str, Any], configuration: Mapping[str, Any]) -> Job:
        check_message(message)
        self._check_task(message)
        if member(configuration, "taskPushNotificationConfig") is not None:
            raise RpcError(errors.NO_PUSH, "this agent sends no notifications; call GetTask")
        parts = message["parts"]
        output = output_for(configuration, parts)
        if self._agent.draining:
            raise Busy("the agent is stopping")
        contract = self._agent.inputs
        try:
            job = self._agent.jobs.start(
                contract.read(inputs_of(parts, contract)), text(message, "contextId")
            )
        except ContractBroken as error:
            fields = [
                {"field": ".".join(map(str, each["loc"])), "description": each["msg"]}
                for each in error.errors
            ]
            raise RpcError(errors.INVALID_PARAMS, str(error), fields) from error
        except TooManyJobs as error:
            raise Busy(str(error)) from error
        job.output = output
        job.message = stored_message(message, job)
        self._agent.jobs.remember(job)
        return job

    def _check_task(self, message: Mapping[str, Any]) -> None:
        """Raises RpcError: no task takes another message."""
        if member(message, "taskId") is None:
            return
        job = self._find({"id": text(message, "taskId")})
        if text(message, "contextId") not in ("", job.context_id):
            raise invalid("message.contextId", "is not that of the task")
        raise RpcError(errors.UNSUPPORTED, "a task of this agent takes no further messages")

    def _find(self, params: Mapping[str, Any]) -> Job:
        task_id = text(params, "id")
        if not task_id:
            raise invalid("id", "is missing")
        job = self._agent.jobs.find(task_id)
        if job is None:
            problem = "there is no such task, or it has been forgotten"
            raise RpcError(errors.TASK_NOT_FOUND, problem)
        return job
