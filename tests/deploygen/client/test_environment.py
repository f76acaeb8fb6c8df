"""Environment variables about proxies and certificates."""

import asyncio
from pathlib import Path

import pytest

from deploygen.client.registration.client import AgentRegistryClient
from deploygen.client.registration.errors import RegistryUnavailable
from tests.deploygen.client.living_client import QUICK, living
from tests.deploygen.fake_registry import FakeRegistry, Reply
from tests.deploygen.runtime.running_agent import running_agent
from tests.processes import wait_in_loop, wait_until

VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    "REQUEST_METHOD",
)
CLOSED_PORT = "127.0.0.1:9"
SECRET = "a-password"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


def failure_of(url: str) -> str:
    """Register at `url`; return why that fails, or "" if it succeeds."""

    async def scenario() -> str:
        client = AgentRegistryClient(url, "an-agent", pacing=QUICK)
        try:
            await client.register()
        except RegistryUnavailable as error:
            return str(error)
        finally:
            await client.deregister()
        return ""

    return asyncio.run(scenario())


def port_of(registry: FakeRegistry) -> str:
    return registry.url.rpartition(":")[2]


@pytest.mark.parametrize(
    "no_proxy",
    [
        "localhost,127.0.0.0/8,::1/128",
        "127.0.0.1",
        "127.0.0.1:PORT",
        " http://127.0.0.1 ,",
        "::1/128 [::1]:80 fe80::%eth0/64 127.0.0.0/24",
        "127.0.0.1/8",
        "10.0.0.0/99,http://[,:,127.0.0.1",
        "*",
    ],
)
def test_a_registry_in_no_proxy_is_called_without_the_proxy(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{CLOSED_PORT}")
    monkeypatch.setenv("NO_PROXY", no_proxy.replace("PORT", port_of(registry)))
    assert failure_of(registry.url) == ""


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("registry.example", "registry.example"),
        ("registry.example", ".example"),
        ("registry.example", "*.example"),
        ("registry.example.", "EXAMPLE"),
        ("[2001:db8::1]", "2001:db8::/32"),
        ("[2001:db8::1]", "[2001:db8::1]:9000"),
    ],
)
def test_a_host_in_no_proxy_is_not_called_through_the_proxy(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, host: str, no_proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", registry.url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert "no connection: " in failure_of(f"http://{host}:9000")
    assert registry.calls == []


@pytest.mark.parametrize("no_proxy", ["", "localhost", "example.org,10.0.0.0/8", "example:1", "e"])
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_an_agent_registers_through_its_proxy(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, variable: str, no_proxy: str
) -> None:
    monkeypatch.setenv(variable, registry.url.removeprefix("http://"))
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert failure_of("http://registry.example:9000") == ""
    assert registry.of("register")[0].path == "http://registry.example:9000/agents/register"


def test_a_failed_connection_names_the_proxy_without_its_password(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{SECRET}@{CLOSED_PORT}")
    failure = failure_of(registry.url)
    assert failure.startswith(f"no connection (through the proxy {CLOSED_PORT} of HTTP_PROXY): ")
    assert SECRET not in failure


@pytest.mark.parametrize("status", [403, 407, 502])
def test_an_error_page_of_the_proxy_names_the_proxy(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    registry.always["register"] = Reply(status, b"<h1>Squid</h1>")
    monkeypatch.setenv("HTTP_PROXY", registry.url)
    failure = failure_of("http://registry.example")
    assert f"(through the proxy {registry.url[7:]} of HTTP_PROXY)" in failure


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PROXY", f'"http://user:{SECRET}@proxy:3128"'),
        ("HTTP_PROXY", f"ftp://user:{SECRET}@proxy"),
        ("HTTP_PROXY", "http://"),
        ("http_proxy", "proxy:port"),
        ("ALL_PROXY", "socks5://proxy:1080"),
    ],
)
def test_an_unusable_proxy_is_a_problem_until_it_is_corrected(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    async def scenario() -> None:
        async with living(registry) as client:
            await wait_in_loop(lambda: client.problem, "the problem")
            assert f"the registry cannot be called: {variable} " in str(client.problem)
            assert "\n" not in str(client.problem)
            assert SECRET not in str(client.problem)
            monkeypatch.delenv(variable)
            await wait_in_loop(lambda: client.registered, "the registration")
            assert client.problem is None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "nonsense://"),
        ("NO_PROXY", "::1/128,[,%%%"),
        ("SSL_CERT_FILE", "/nowhere.pem"),
        ("SSL_CERT_DIR", "/nowhere"),
        ("SSLKEYLOGFILE", "/nowhere/keys"),
        ("HTTP_PROXY", " "),
    ],
)
def test_wrong_variables_that_do_not_apply_to_the_registry_are_ignored(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert failure_of(registry.url) == ""


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/nowhere.pem"),
        ("SSL_CERT_FILE", __file__),
        ("SSL_CERT_DIR", "/nowhere"),
        ("SSLKEYLOGFILE", "/nowhere/keys"),
    ],
)
def test_an_agent_with_unusable_certificates_works_but_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    section = {"url": f"https://{CLOSED_PORT}", "ttl_seconds": 60}
    with running_agent(tmp_path, extensions=[".registry"], registry=section) as agent:
        wait_until(lambda: variable in str(agent.reason()), "the reason")
        assert f"the registry cannot be called: {variable} cannot be used: " in str(agent.reason())
        assert agent.run(text="a").json() == {"echo": {"text": "a"}}
