from collections.abc import Iterator

import pytest

from tests.deploygen.fake_registry import FakeRegistry

AGENT_VARIABLES = (
    "AGENT_ID",
    "AGENT_HOST",
    "AGENT_PORT",
    "AGENT_REGISTRY_URL",
    "AGENT_TTL_SECONDS",
    "AGENT_ENROLMENT_TOKEN",
    "AGENT_ENROLMENT_TOKEN_FILE",
    "AGENT_TOKENS",
    "AGENT_TOKENS_FILE",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*AGENT_VARIABLES, "AGENT_HEARTBEAT_SECONDS", "AGENT_DRAIN_SECONDS", "PORT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as registry:
        yield registry
