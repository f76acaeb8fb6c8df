from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.chat_server import KEY, ChatServer, chat_server
from tests.examples.conftest import RunExample
from tests.integration.agent_process import NEEDS_TOKEN
from tests.processes import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server() as server:
        yield server


def test_the_question_is_sent_to_the_model(run_example: RunExample, model: ChatServer) -> None:
    environment = {"OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "tiny", "OPENAI_API_KEY": KEY}
    with run_example("chat", **environment) as example:
        answer = example.run(question="Why?", temperature=1)

        assert answer.status_code == 200, answer.text
        assert answer.json() == {"answer": "You asked: Why?", "model": "tiny-2024"}
        [request] = model.requests
        assert (request["model"], request["temperature"]) == ("tiny", 1)
        assert [message["role"] for message in request["messages"]] == ["system", "user"]
        assert request["messages"][0]["content"] == "Answer briefly."

        model.nonsense = '{"model": null, "choices": [{"message": {"content": "So."}}]}'
        assert example.run(question="Why?").json() == {"answer": "So.", "model": "tiny"}


NONSENSE = [
    ('{"choices": []}', "identity"),
    ('{"choices": [{"message": {"content": null, "tool_calls": []}}]}', "identity"),
    ("[]", "identity"),
    ("<html>", "identity"),
    ("{}", "gzip"),  # not really gzip
]


def test_an_invalid_completion_is_reported_as_an_error_of_the_endpoint(
    run_example: RunExample, model: ChatServer
) -> None:
    with run_example("chat", OPENAI_BASE_URL=model.url, OPENAI_API_KEY=KEY) as example:
        for nonsense, encoding in NONSENSE:
            model.nonsense, model.encoding = nonsense, encoding
            refused = example.run(question="Why?")
            assert (refused.status_code, "no completion" in refused.text) == (502, True), nonsense


def test_the_key_may_be_in_a_file_and_is_not_shown(
    run_example: RunExample, model: ChatServer, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-a-wrong-key\n")
    environment = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY_FILE": str(tmp_path / "key")}
    with run_example("chat", **environment) as example:
        answer = example.run(question="Why?")
        assert answer.status_code == 502
        assert "responded with 401" in answer.text
        log = example.agent.log.read_text()
    assert "sk-a-wrong-key" not in answer.text + log


def test_without_a_key_the_agent_is_not_ready_and_names_the_variable(
    run_example: RunExample, model: ChatServer
) -> None:
    with run_example("chat", ready=False, OPENAI_BASE_URL=model.url, **NEEDS_TOKEN) as example:
        wait_until(lambda: example.agent.get("/health/live"), "its server")
        answer = example.agent.get("/health/ready")
        assert answer is not None
        assert answer.status_code == 503
        assert "OPENAI_API_KEY" in answer.json()["reason"]


def test_an_unreachable_endpoint_is_reported(run_example: RunExample) -> None:
    with chat_server() as gone:
        url = gone.url
    with run_example("chat", OPENAI_BASE_URL=url, OPENAI_API_KEY=KEY) as example:
        answer = example.run(question="Why?")
        assert answer.status_code == 502
        assert "cannot be reached" in answer.text
