"""A bound on what a handler answers."""

from pathlib import Path

import pytest

from tests.deploygen.runtime.running_agent import running_agent

LIMIT = {"AGENT_MAX_RESULT_BYTES": "1024"}
# {"a": "x"} has 10 bytes.
OF_SIZE = "def handle(inputs): return {'a': 'x' * (inputs['size'] - 9)}"
TOO_LARGE = "handle() gives more than 1024 bytes (AGENT_MAX_RESULT_BYTES)"


def test_a_result_may_be_as_large_as_the_limit_but_no_larger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_agent(tmp_path, OF_SIZE, dict(LIMIT)) as agent:
        largest, too_large = agent.run(size=1024), agent.run(size=1025)
    assert (largest.status_code, len(largest.content)) == (200, 1024)
    assert (too_large.status_code, too_large.json()) == (500, {"detail": TOO_LARGE})
    assert TOO_LARGE in caplog.text


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("piece", ["'x' * 100", "{'part': 'x' * 100}"])
def test_a_stream_ends_with_an_error_before_it_exceeds_the_limit(
    tmp_path: Path, kind: str, piece: str
) -> None:
    handler = f"{kind} handle(inputs):\n    while True: yield {piece}\n"
    with running_agent(tmp_path, handler, dict(LIMIT)) as agent:
        whole = agent.run()
        streamed = agent.http.post("/run", json={}, headers={"Accept": "text/event-stream"})
    assert (whole.status_code, whole.json()) == (500, {"detail": TOO_LARGE})
    assert 5 <= streamed.text.count("event: piece") <= 1024 // 100
    assert TOO_LARGE in streamed.text


def test_by_default_a_result_may_have_16_mebibytes(tmp_path: Path) -> None:
    with running_agent(tmp_path, OF_SIZE) as agent:
        assert agent.run(size=16 * 1024 * 1024).status_code == 200
        assert agent.run(size=16 * 1024 * 1024 + 1).status_code == 500
