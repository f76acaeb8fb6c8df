"""ListTasks: by context, in pages, the last changed first."""

from pathlib import Path
from typing import Any

import pytest

from tests.deploygen.runtime.a2a.calls import call, code_of, result_of, send
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

EITHER = """
import asyncio
async def handle(inputs):
    if inputs["input"] == "wait": await asyncio.Event().wait()
    return {}
"""


def listed(agent: RunningAgent, **params: Any) -> dict[str, Any]:
    return result_of(agent, "ListTasks", params)


def ids(answer: dict[str, Any]) -> list[str]:
    return [task["id"] for task in answer["tasks"]]


def test_the_tasks_of_a_context_are_listed_newest_first(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        sent = [send(agent, message={"contextId": "a-talk"})["id"] for _ in range(3)]
        send(agent, message={"contextId": "another"})
        answer = listed(agent, contextId="a-talk")
        assert ids(answer) == sent[::-1]
        assert (answer["totalSize"], answer["pageSize"], answer["nextPageToken"]) == (3, 50, "")
        assert ids(listed(agent, context_id="a-talk")) == sent[::-1]


def test_without_a_context_nothing_is_listed(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        send(agent)
        for params in ({}, {"contextId": ""}, {"contextId": None}, {"contextId": "unknown"}):
            answer = listed(agent, **params)
            assert (answer["tasks"], answer["totalSize"], answer["nextPageToken"]) == ([], 0, "")


def test_pages_join_to_the_whole_list(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        sent = [send(agent, message={"contextId": "a-talk"})["id"] for _ in range(5)]
        found: list[str] = []
        token = ""
        for size in (2, 2, 1):
            page = listed(agent, contextId="a-talk", pageSize=2, pageToken=token)
            assert (len(page["tasks"]), page["pageSize"], page["totalSize"]) == (size, 2, 5)
            found += ids(page)
            token = page["nextPageToken"]
        assert (found, token) == (sent[::-1], "")


def test_a_full_last_page_names_no_further_one(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        for _ in range(2):
            send(agent, message={"contextId": "a-talk"})
        assert listed(agent, contextId="a-talk", pageSize=2)["nextPageToken"] == ""


def test_tasks_are_filtered_by_state_and_time(tmp_path: Path) -> None:
    with running_agent(tmp_path, EITHER, {"AGENT_DRAIN_SECONDS": "0.01"}) as agent:
        talk = {"contextId": "a-talk"}
        done = send(agent, {"text": "x"}, message=talk)
        waits = send(agent, {"text": "wait"}, message=talk, returnImmediately=True)
        for status, found in [
            ("TASK_STATE_COMPLETED", [done["id"]]),
            ("TASK_STATE_WORKING", [waits["id"]]),
            ("TASK_STATE_REJECTED", []),
            ("TASK_STATE_UNSPECIFIED", [waits["id"], done["id"]]),
        ]:
            assert ids(listed(agent, **talk, status=status)) == found
        now = done["status"]["timestamp"]
        assert done["id"] in ids(listed(agent, **talk, statusTimestampAfter=now))
        assert ids(listed(agent, **talk, statusTimestampAfter="2999-01-01T00:00:00Z")) == []


def test_artifacts_are_listed_for_those_who_want_them_only(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        task = send(agent, message={"contextId": "a-talk"})
        [plain] = listed(agent, contextId="a-talk")["tasks"]
        assert plain == {name: each for name, each in task.items() if name != "artifacts"}
        assert listed(agent, contextId="a-talk", includeArtifacts=True)["tasks"] == [task]
        [short] = listed(agent, contextId="a-talk", historyLength=0)["tasks"]
        assert "history" not in short


@pytest.mark.parametrize(
    "params",
    [
        {"pageSize": 0},
        {"pageSize": 101},
        {"pageSize": "2"},
        {"pageToken": "not-a-token"},
        {"pageToken": "eCB5"},
        {"pageToken": 5},
        {"status": "working"},
        {"status": 2},
        {"statusTimestampAfter": "yesterday"},
        {"statusTimestampAfter": "2026-01-01T00:00:00"},
        {"historyLength": -1},
        {"includeArtifacts": "yes"},
        {"contextId": 5},
    ],
)
def test_invalid_parameters_are_refused_by_name(tmp_path: Path, params: dict[str, Any]) -> None:
    with running_agent(tmp_path) as agent:
        for context in ({}, {"contextId": "a-talk"}):
            answer = call(agent, "ListTasks", context | params)
            assert code_of(answer) == -32602
            [violation] = answer.json()["error"]["data"][0]["fieldViolations"]
            assert violation["field"] == next(iter(params))
