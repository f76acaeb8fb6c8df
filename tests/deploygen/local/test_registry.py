"""Which registry an agent joins that runs here."""

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from agents.models import AgentRecord
from deploygen.local.registry import choose_registry
from tests.deploygen.local.development import WITH_OUR_PACKAGES, development
from tests.deploygen.runtime.running_agent import running_agent
from tests.integration.registry_process import free_port
from tests.processes import wait_until


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["by default", "by option"])
def test_a_registry_here_is_joined_and_left_at_the_end(
    live_server: LiveServer, tmp_path: Path, how: str
) -> None:
    url = live_server.url
    options = [WITH_OUR_PACKAGES, *([f"--registry-url={url}"] if how == "by option" else [])]
    with development(tmp_path / "agent", tmp_path / "log", *options, REGISTRY_URL=url) as agent:
        wait_until(AgentRecord.objects.exists, "its registration", seconds=90)
        record = AgentRecord.objects.get()
        assert (record.agent_id, record.host, record.port) == ("an-agent", "localhost", agent.port)
        assert f"joins the registry at {url}" in agent.output

        assert agent.stop() == 0
        assert not AgentRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_registry_that_a_spec_names_is_joined_if_it_is_here(live_server: LiveServer) -> None:
    chosen = choose_registry({"url": live_server.url}, "http://registry.example:9000")
    assert chosen.url == live_server.url


@pytest.mark.parametrize("written", [{}, {"url": "https://registry.example"}])
def test_a_registry_elsewhere_is_not_joined_by_default(written: dict[str, str]) -> None:
    chosen = choose_registry(written, "https://registry.example")
    assert chosen.url is None
    assert "https://registry.example" in chosen.note


def test_a_registry_that_does_not_answer_is_not_joined() -> None:
    assert choose_registry({}, f"http://localhost:{free_port()}").url is None


def test_a_server_that_is_no_registry_is_not_joined(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        assert choose_registry({}, agent.url).url is None


@pytest.mark.django_db(transaction=True)
def test_a_spec_without_a_registry_joins_none(live_server: LiveServer) -> None:
    assert choose_registry(False, live_server.url).url is None
