"""The modules of the runtime are top-level ones: they are copied as they are into agents."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploygen.fake_registry import FakeRegistry

RUNTIME = Path(__file__).parents[2] / "deploygen" / "runtime"
sys.path.insert(0, str(RUNTIME))

OF_AGENTS = (
    *("AGENT_ID", "AGENT_HOST", "AGENT_PORT", "AGENT_REGISTRY_URL", "AGENT_TTL_SECONDS"),
    *("AGENT_ENROLMENT_TOKEN", "AGENT_ENROLMENT_TOKEN_FILE"),
)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*OF_AGENTS, "AGENT_HEARTBEAT_SECONDS", "AGENT_DRAIN_SECONDS"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as registry:
        yield registry
