"""The agent and the client of the official SDK understand each other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.helpers import (
    get_artifact_text,
    get_data_parts,
    get_text_parts,
    new_data_part,
    new_message,
    new_text_part,
)
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
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
        settings: dict[str, Any] = {"streaming": False, "httpx_client": http} | config
        yield await create_client(agent.url, ClientConfig(**settings))


def message(*parts: Part, **more: Any) -> Message:
    return new_message(list(parts), role=Role.ROLE_USER, **more)


async def send(client: Client, sent: Message) -> Task:
    answers = [each async for each in client.send_message(SendMessageRequest(message=sent))]
    task = answers[0].task
    assert len(answers) == 1
    validate_proto_required_fields(task)
    return task


def play(agent: RunningAgent, scenario: Callable[[Client], Awaitable[None]], **config: Any) -> None:
    async def whole() -> None:
        async with talking_to(agent, **config) as client:
            await scenario(client)

    asyncio.run(whole())


def test_a_data_part_holds_the_inputs_and_the_answer_is_data(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        # 5 arrives as 5.0, since a protobuf Value has only doubles.
        task = await send(client, message(new_data_part({"a": 5, "b": 2}), context_id="a-talk"))
        assert task.status.state == TaskState.TASK_STATE_COMPLETED
        assert task.context_id == "a-talk"
        assert get_data_parts(task.artifacts[0].parts) == [{"sum": 7}]
        assert await client.get_task(GetTaskRequest(id=task.id)) == task

    with running_agent(tmp_path, ADD, **TWO_NUMBERS) as agent:
        play(agent, scenario)


def test_a_text_part_is_the_input_and_a_caller_of_text_gets_text(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        task = await send(client, message(new_text_part("hello"), new_text_part("there")))
        assert get_text_parts(task.artifacts[0].parts) == ["hello\nthere"]
        again = await client.get_task(GetTaskRequest(id=task.id))
        assert again.artifacts == task.artifacts

    handler = "def handle(inputs): return {'answer': inputs['input']}"
    with running_agent(tmp_path, handler) as agent:
        play(agent, scenario, accepted_output_modes=["text/plain"])


def test_wrong_inputs_are_invalid_params_with_the_names_of_fields(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        with pytest.raises(
            InvalidParamsError, match="a: Input should be a valid integer; b: Field"
        ):
            await send(client, message(new_data_part({"a": "5"})))
        with pytest.raises(InvalidParamsError, match="send a data part"):
            await send(client, message(new_text_part("5 and 2")))

    with running_agent(tmp_path, ADD, **TWO_NUMBERS) as agent:
        play(agent, scenario)


def test_a_caller_that_polls_gets_the_task_at_once_and_the_result_later(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
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

    with running_agent(tmp_path, WAITS) as agent:
        play(agent, scenario, polling=True)


def test_a_caller_can_return_immediately_and_cancel(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS) as agent:

        async def scenario(client: Client) -> None:
            task = await send(client, message(new_text_part(str(tmp_path / "never"))))
            assert task.status.state == TaskState.TASK_STATE_WORKING
            cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
            assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
            assert await client.get_task(GetTaskRequest(id=task.id)) == cancelled
            await wait_in_loop(lambda: not agent.lifecycle.jobs.running, "the handler's end")

        play(agent, scenario, polling=True)


def test_jobs_of_run_and_tasks_are_the_same(tmp_path: Path) -> None:
    with running_agent(tmp_path, WAITS, sync_timeout=0.05) as agent:
        job = agent.run(input=str(tmp_path / "done")).json()

        async def scenario(client: Client) -> None:
            task = await client.get_task(GetTaskRequest(id=job["job_id"]))
            assert task.status.state == TaskState.TASK_STATE_WORKING
            validate_proto_required_fields(task)
            other = await send(client, message(new_text_part(str(tmp_path / "done"))))
            assert agent.http.get(f"/status/{other.id}").json()["status"] == "running"
            (tmp_path / "done").touch()

        play(agent, scenario, polling=True)


def test_the_tasks_of_a_context_are_listed_in_pages(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        sent = [
            (await send(client, message(new_text_part("x"), context_id="a-talk"))).id
            for _ in range(3)
        ]
        found: list[str] = []
        request = ListTasksRequest(context_id="a-talk", page_size=2)
        for size in (2, 1):
            page = await client.list_tasks(request)
            for task in page.tasks:
                validate_proto_required_fields(task)
            assert (len(page.tasks), page.page_size, page.total_size) == (size, 2, 3)
            found += [task.id for task in page.tasks]
            request.page_token = page.next_page_token
        assert (found, request.page_token) == (sent[::-1], "")
        assert not (await client.list_tasks(ListTasksRequest())).tasks

    with running_agent(tmp_path) as agent:
        play(agent, scenario)


def test_the_sdk_shows_a_text_for_a_text(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        sent = message(new_text_part("hello"))
        task = await send(client, sent)
        assert get_artifact_text(task.artifacts[0]) == '{"echo": {"input": "hello"}}'
        assert [each.message_id for each in task.history] == [sent.message_id]

    with running_agent(tmp_path) as agent:
        play(agent, scenario)


def test_a_stream_has_the_artifact_in_chunks_and_as_a_whole(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        request = SendMessageRequest(message=message(new_text_part("hello")))
        [first, *updates] = [each async for each in client.send_message(request)]
        validate_proto_required_fields(first.task)
        chunks = [each.artifact_update for each in updates[:-1]]
        for chunk in chunks:
            validate_proto_required_fields(chunk)
        texts = [get_text_parts(chunk.artifact.parts) for chunk in chunks]
        assert texts == [["hello"], [" hello"], ["hello hello"]]
        assert [(chunk.append, chunk.last_chunk) for chunk in chunks] == [
            (False, False),
            (True, False),
            (False, True),
        ]
        assert updates[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
        task = await client.get_task(GetTaskRequest(id=first.task.id))
        assert task.artifacts == [chunks[-1].artifact]

    handler = """
def handle(inputs):
    yield inputs["input"]
    yield f" {inputs['input']}"
"""
    with running_agent(tmp_path, handler) as agent:
        play(agent, scenario, streaming=True)


def test_a_task_can_be_subscribed_to(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        sent = message(new_text_part(str(tmp_path / "done")))
        events = client.send_message(SendMessageRequest(message=sent))
        task = (await anext(events)).task
        subscribed = client.subscribe(SubscribeToTaskRequest(id=task.id))
        assert (await anext(subscribed)).task == task
        (tmp_path / "done").touch()
        ends = [[each async for each in stream] for stream in (events, subscribed)]
        assert ends[0] == ends[1]
        assert ends[0][-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED

    with running_agent(tmp_path, WAITS) as agent:
        play(agent, scenario, streaming=True)


def test_a_failing_handler_makes_a_failed_task_with_the_reason(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        task = await send(client, message(new_text_part("x")))
        assert task.status.state == TaskState.TASK_STATE_FAILED
        assert task.status.message.role == Role.ROLE_AGENT
        [text] = get_text_parts(task.status.message.parts)
        assert text.startswith("handle() raised KeyError")

    with running_agent(tmp_path, "def handle(inputs): return inputs['missing']") as agent:
        play(agent, scenario)


def test_unsupported_operations_get_the_errors_of_the_protocol(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id="unknown"))
        with pytest.raises(TaskNotFoundError):
            await client.cancel_task(CancelTaskRequest(id="unknown"))
        with pytest.raises(ContentTypeNotSupportedError):
            await send(client, message(Part(url="https://files.example/a.pdf")))
        with pytest.raises(TaskNotFoundError):
            await send(client, message(new_text_part("x"), task_id="unknown"))
        task = await send(client, message(new_text_part("x")))
        with pytest.raises(UnsupportedOperationError, match="no further messages"):
            await send(client, message(new_text_part("more"), task_id=task.id))

    with running_agent(tmp_path) as agent:
        play(agent, scenario)


def test_an_unsupported_output_mode_is_refused(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        with pytest.raises(ContentTypeNotSupportedError):
            await send(client, message(new_text_part("x")))

    with running_agent(tmp_path) as agent:
        play(agent, scenario, accepted_output_modes=["image/png"])
