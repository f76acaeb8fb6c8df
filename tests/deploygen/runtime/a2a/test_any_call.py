"""Whatever a caller sends, the response is one of JSON-RPC, and no error of the agent's."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploygen.runtime.a2a.v0_3.calls import METHODS
from tests.deploygen.runtime.a2a.calls import MESSAGE
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

INTERNAL_ERROR = -32603
NO_LIMIT = {"AGENT_RATE_PER_ADDRESS": "off"}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)
OBJECTS = st.dictionaries(st.text(), ANYTHING, max_size=2)


def perhaps(*values: Any) -> st.SearchStrategy[Any]:
    """Mostly a right value, at times anything."""
    return st.integers(0, 4).flatmap(lambda n: st.sampled_from(values) if n else ANYTHING)


PARTS = st.lists(
    st.fixed_dictionaries(
        {"kind": perhaps("text", "data")},
        optional={
            "text": perhaps("hello"),
            "data": perhaps({"input": "hello"}),
            "metadata": ANYTHING,
            "mediaType": ANYTHING,
        },
    ),
    min_size=1,
    max_size=2,
)
MESSAGES = st.fixed_dictionaries(
    {"messageId": perhaps("1"), "role": perhaps("ROLE_USER", "user"), "parts": PARTS | ANYTHING},
    optional={
        "taskId": st.none() | ANYTHING,
        "contextId": perhaps("a-talk"),
        "metadata": perhaps({}),
        "extensions": perhaps([]),
        "referenceTaskIds": perhaps(["1"]),
    },
)
CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        "acceptedOutputModes": perhaps(["text/plain"], ["application/json"]),
        "historyLength": perhaps(0, 1),
        "returnImmediately": perhaps(True, False),
        "blocking": perhaps(True, False),
    },
)
SENT = st.fixed_dictionaries(
    {"message": MESSAGES}, optional={"configuration": CONFIGURATIONS | ANYTHING}
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "id": ANYTHING,
        "contextId": perhaps("a-talk"),
        "historyLength": perhaps(0),
        "pageSize": perhaps(1),
        "pageToken": ANYTHING,
        "status": perhaps("TASK_STATE_WORKING"),
        "statusTimestampAfter": perhaps("0001-01-01T00:00:00+23:59"),
        "includeArtifacts": perhaps(True),
    },
)
SENDING = ("SendMessage", "SendStreamingMessage", "message/send", "message/stream")
CALLS = st.tuples(st.sampled_from(SENDING), SENT) | st.tuples(
    st.sampled_from([*METHODS, *METHODS.values(), "ListTasks"]), PARAMS | ANYTHING
)


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("echo"), environ=NO_LIMIT) as agent:
        yield agent


@settings(max_examples=300, deadline=None)
@example(("SendMessage", {"message": MESSAGE}))
@given(CALLS)
def test_any_call_gets_a_result_or_an_error_of_the_protocol(
    echo: RunningAgent, called: tuple[str, Any]
) -> None:
    method, params = called
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = echo.http.post("/a2a", json=body)
    assert answer.status_code == 200
    if answer.headers["content-type"] == "application/json":
        response = answer.json()
        assert (response["jsonrpc"], response["id"]) == ("2.0", 1)
        [content] = set(response) - {"jsonrpc", "id"}
        assert content in ("result", "error")
        assert response.get("error", {}).get("code") != INTERNAL_ERROR
    else:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "completed" in answer.text.lower()
