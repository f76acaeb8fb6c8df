"""The official SDK's client talks to the agent: what it sends, and what it makes of the answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.helpers import get_data_parts, get_text_parts, new_data_part, new_message, new_text_part
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import (
    ContentTypeNotSupportedError,
    InvalidParamsError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.proto_utils import validate_proto_required_fields

from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_in_loop

ADD = "def handle(inputs): return {'sum': inputs['a'] + inputs['b']}"
TWO_NUMBERS: dict[str, Any] = {
    "inputs": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]
}
WAITS = """
import asyncio, pathlib
async def handle(inputs):
    while not pathlib.Path(inputs["input"]).exists(): await asyncio.sleep(0.01)
    return {"done": True}
"""


@asynccontextmanager
async def talking_to(agent: RunningAgent, **config: Any) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=30) as http:
        client = await create_client(agent.url, ClientConfig(httpx_client=http, **config))
        yield client


def message(*parts: Part, **more: Any) -> Message:
    return new_message(list(parts), role=Role.ROLE_USER, **more)


async def send(client: Client, sent: Message) -> Task:
    answers = [each async for each in client.send_message(SendMessageRequest(message=sent))]
    assert len(answers) == 1
    task = answers[0].task
    validate_proto_required_fields(task)
    return task


def tell(agent: RunningAgent, story: Callable[[Client], Awaitable[None]], **config: Any) -> None:
    async def whole() -> None:
        async with talking_to(agent, **config) as client:
            await story(client)

    asyncio.run(whole())


def test_data_are_the_inputs_and_the_answer_is_data(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        # 5 comes as 5.0: all numbers of a protobuf Value are doubles.
        task = await send(client, message(new_data_part({"a": 5, "b": 2}), context_id="a-talk"))
        assert task.status.state == TaskState.TASK_STATE_COMPLETED
        assert task.context_id == "a-talk"
        assert get_data_parts(task.artifacts[0].parts) == [{"sum": 7}]
        assert await client.get_task(GetTaskRequest(id=task.id)) == task

    with running_agent(tmp_path, ADD, **TWO_NUMBERS) as agent:
        tell(agent, story)


def test_text_is_the_input_and_the_answer_is_text_for_who_takes_only_that(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        task = await send(client, message(new_text_part("hello"), new_text_part("there")))
        assert get_text_parts(task.artifacts[0].parts) == ["hello\nthere"]
        again = await client.get_task(GetTaskRequest(id=task.id))
        assert again.artifacts == task.artifacts

    handler = "def handle(inputs): return {'answer': inputs['input']}"
    with running_agent(tmp_path, handler) as agent:
        tell(agent, story, accepted_output_modes=["text/plain"])


def test_wrong_inputs_are_invalid_params_that_name_the_fields(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        with pytest.raises(
            InvalidParamsError, match="a: Input should be a valid integer; b: Field"
        ):
            await send(client, message(new_data_part({"a": "5"})))
        with pytest.raises(InvalidParamsError, match="send a data part"):
            await send(client, message(new_text_part("5 and 2")))

    with running_agent(tmp_path, ADD, **TWO_NUMBERS) as agent:
        tell(agent, story)


def test_what_takes_longer_is_a_task_that_can_be_asked_for(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        task = await send(client, message(new_text_part(str(tmp_path / "done"))))
        assert task.status.state == TaskState.TASK_STATE_WORKING
        (tmp_path / "done").touch()
        wanted = GetTaskRequest(id=task.id)
        while task.status.state == TaskState.TASK_STATE_WORKING:
            task = await client.get_task(wanted)
        assert task.status.state == TaskState.TASK_STATE_COMPLETED
        assert get_data_parts(task.artifacts[0].parts) == [{"done": True}]
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(CancelTaskRequest(id=task.id))

    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        tell(agent, story)


def test_who_does_not_want_to_wait_need_not_and_can_cancel(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=600) as agent:

        async def story(client: Client) -> None:
            task = await send(client, message(new_text_part(str(tmp_path / "never"))))
            assert task.status.state == TaskState.TASK_STATE_WORKING
            cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
            assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
            assert await client.get_task(GetTaskRequest(id=task.id)) == cancelled
            await wait_in_loop(lambda: not agent.lifecycle.jobs.running, "the handler's end")

        tell(agent, story, polling=True)


def test_a_job_of_run_is_a_task_too_and_a_task_a_job(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        job = agent.run(input=str(tmp_path / "done")).json()

        async def story(client: Client) -> None:
            task = await client.get_task(GetTaskRequest(id=job["job_id"]))
            assert task.status.state == TaskState.TASK_STATE_WORKING
            validate_proto_required_fields(task)
            other = await send(client, message(new_text_part(str(tmp_path / "done"))))
            assert agent.http.get(f"/status/{other.id}").json()["status"] == "running"
            (tmp_path / "done").touch()

        tell(agent, story)


def test_a_handler_that_fails_makes_a_failed_task_that_says_so(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        task = await send(client, message(new_text_part("x")))
        assert task.status.state == TaskState.TASK_STATE_FAILED
        assert task.status.message.role == Role.ROLE_AGENT
        [text] = get_text_parts(task.status.message.parts)
        assert text.startswith("handle() raised KeyError")

    with running_agent(tmp_path, "def handle(inputs): return inputs['missing']") as agent:
        tell(agent, story)


def test_what_the_agent_does_not_do_is_told_as_the_protocol_has_it(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id="unknown"))
        with pytest.raises(TaskNotFoundError):
            await client.cancel_task(CancelTaskRequest(id="unknown"))
        with pytest.raises(UnsupportedOperationError):
            await client.list_tasks(ListTasksRequest())
        with pytest.raises(ContentTypeNotSupportedError):
            await send(client, message(Part(url="https://files.example/a.pdf")))
        with pytest.raises(TaskNotFoundError):
            await send(client, message(new_text_part("x"), task_id="unknown"))
        task = await send(client, message(new_text_part("x")))
        with pytest.raises(UnsupportedOperationError, match="no further messages"):
            await send(client, message(new_text_part("more"), task_id=task.id))

    with running_agent(tmp_path) as agent:
        tell(agent, story)


def test_an_answer_that_the_client_does_not_take_is_not_given(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        with pytest.raises(ContentTypeNotSupportedError):
            await send(client, message(new_text_part("x")))

    with running_agent(tmp_path) as agent:
        tell(agent, story, accepted_output_modes=["image/png"])
