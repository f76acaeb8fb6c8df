"""The host that an agent registers if nobody says which."""

import asyncio
import socket
from typing import Any

import httpx
import pytest

from deploygen.client.registration import AgentRegistryClient
from deploygen.client.registration.host import own_host
from tests.deploygen.fake_registry import FakeRegistry

CONTAINER, LAPTOP, SERVER = "3f2a9c41d0be", "laptop.home.example", "web1.corp.example"
NAMES = {
    CONTAINER: "172.17.0.2",
    LAPTOP: "127.0.1.1",
    SERVER: "192.0.2.7",
    "localhost": "127.0.0.1",
    "registry.example": "192.0.2.1",
}
ELSEWHERE = "http://registry.example:9000"


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DNS with the names above only."""
    resolve = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        known = NAMES.get(host, host)
        if known == host and not host.replace(".", "").replace(":", "").isdigit():
            raise socket.gaierror(socket.EAI_NONAME, f"no {host}")
        return resolve(known, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def address() -> str:
    """The address of this machine towards others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 1))
        except OSError:
            pytest.skip("this machine has no route to others")
        return str(probe.getsockname()[0])


def host_of(name: str, registry: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    return asyncio.run(own_host(httpx.URL(registry)))


@pytest.mark.parametrize("name", [CONTAINER, LAPTOP, "nowhere.example", "localhost", "-"])
def test_a_name_that_others_cannot_resolve_is_replaced_by_the_address(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host_of(name, ELSEWHERE, monkeypatch) == address


def test_a_qualified_name_that_leads_elsewhere_than_to_loopback_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert host_of(SERVER, ELSEWHERE, monkeypatch) == SERVER


@pytest.mark.parametrize("registry", ["http://localhost:9000", "http://127.0.0.1", "http://[::1]"])
@pytest.mark.parametrize(
    ("name", "expected"), [(LAPTOP, [LAPTOP]), ("nowhere", ["127.0.0.1", "::1"])]
)
def test_beside_a_registry_on_this_machine_a_name_is_better_than_loopback(
    name: str, expected: list[str], registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "[" in registry and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    assert host_of(name, registry, monkeypatch) in expected


def test_the_name_is_registered_if_the_way_to_the_registry_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert host_of(CONTAINER, "http://unknown.example", monkeypatch) == CONTAINER


def test_the_way_to_a_registry_may_lead_through_a_proxy(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "nowhere")
    monkeypatch.setenv("HTTP_PROXY", registry.url)
    monkeypatch.setenv("NO_PROXY", "")

    async def scenario() -> None:
        client = AgentRegistryClient(ELSEWHERE, "an-agent")
        await client.register()
        await client.deregister()

    asyncio.run(scenario())
    assert registry.of("register")[0].body["host"] == "127.0.0.1"
