"""The header Host, and whose name it is."""

import socket
from pathlib import Path

import pytest

from deploygen.runtime.config import ConfigError
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

TOKEN = "0123456789abcdef"
# As clients on the machine, in containers, in Kubernetes and in a home's network send it.
NOT_PUBLIC = [
    "localhost:8000",
    "LOCALHOST",
    "127.0.0.1:8000",
    "[::1]:8000",
    "[fe80::1%eth0]",
    "10.1.2.3:8000",
    "192.0.2.1.",
    "an-agent:8000",
    "an_agent",
    "host.docker.internal:8000",
    "an-agent.a-namespace.svc",
    "an-agent.a-namespace.svc.cluster.local.:8000",
    "printer.lan",
]
PUBLIC = ["rebound.example:8000", "1.2.3.4.nip.example", "svc.example", "xlocal.example"]
INVALID = ["evil/../x", "a b", "user@host", "[::1", "x" * 300, "a:b:c", ""]


def status(agent: RunningAgent, host: str) -> int:
    return agent.http.get("/schema", headers={"Host": host}).status_code


def test_without_tokens_only_names_outside_of_the_public_dns_are_accepted(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        statuses = {host: status(agent, host) for host in [*NOT_PUBLIC, *PUBLIC]}
    assert statuses == dict.fromkeys(NOT_PUBLIC, 200) | dict.fromkeys(PUBLIC, 400)


def test_a_refused_host_and_the_setting_are_named(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        answer = agent.http.post("/run", json={}, headers={"Host": "rebound.example"})
    assert answer.status_code == 400
    problem = "the host 'rebound.example' is not one of this agent's: AGENT_ALLOWED_HOSTS has to"
    assert answer.json()["detail"].startswith(problem)


@pytest.mark.parametrize("host", INVALID)
def test_an_invalid_host_is_never_accepted(tmp_path: Path, host: str) -> None:
    with running_agent(tmp_path, environ={"AGENT_ALLOWED_HOSTS": "*"}) as agent:
        assert status(agent, host) == 400


def test_health_checks_may_call_the_agent_by_any_name(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        agent.wait_until_ready()
        for path in ("/health", "/health/live", "/health/ready"):
            assert agent.http.get(path, headers={"Host": PUBLIC[0]}).status_code == 200


def test_with_tokens_every_name_is_accepted(tmp_path: Path) -> None:
    with running_agent(tmp_path, environ={"AGENT_TOKENS": TOKEN}) as agent:
        assert {status(agent, host) for host in PUBLIC} == {200}


@pytest.mark.parametrize("tokens", ["", TOKEN])
def test_further_names_can_be_allowed(tmp_path: Path, tokens: str) -> None:
    environ = {"AGENT_ALLOWED_HOSTS": "one.example, .two.example", "AGENT_TOKENS": tokens}
    accepted = ["one.example:80", "ONE.example", "a.two.example", "a.b.two.example", *NOT_PUBLIC]
    refused = ["a.one.example", "two.example", "xtwo.example", "other.example"]
    with running_agent(tmp_path, environ=environ) as agent:
        statuses = {host: status(agent, host) for host in [*accepted, *refused]}
    assert statuses == dict.fromkeys(accepted, 200) | dict.fromkeys(refused, 400)


def test_the_agents_own_names_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Machine.example")
    environ = {
        "AGENT_HOST": "registered.example",
        "AGENT_PUBLIC_URL": "https://public.example:8443/a",
    }
    with running_agent(tmp_path, environ=environ) as agent:
        own = ("machine.example", "registered.example:8000", "public.example")
        assert {status(agent, host) for host in own} == {200}


@pytest.mark.parametrize("value", ["https://a.example", "a.example:80", "a..b", "*.example"])
def test_an_invalid_name_is_refused_at_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"^AGENT_ALLOWED_HOSTS"):
        running_agent(tmp_path, environ={"AGENT_ALLOWED_HOSTS": value}).__enter__()
