from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from agents.models import AgentRecord
from registry_project.security.proxies import TrustedProxies

PROXIES = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "unix"]


def seen(settings: Settings, peer: str, **headers: str) -> tuple[str, str, dict[str, Any]]:
    """Return the client's address, the scheme, and the forwarding headers that remain."""
    settings.TRUSTED_PROXIES = PROXIES
    requests: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        return HttpResponse()

    names: dict[str, Any] = {
        f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()
    }
    TrustedProxies(view)(RequestFactory(REMOTE_ADDR=peer, **names).get("/"))
    [request] = requests
    remaining = {name: value for name, value in request.META.items() if "FORWARDED" in name}
    return request.META["REMOTE_ADDR"], request.scheme or "", remaining


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        pytest.param("10.0.0.1", "203.0.113.5", "203.0.113.5", id="one proxy"),
        pytest.param("203.0.113.9", "198.51.100.1", "203.0.113.9", id="no proxy, forged"),
        pytest.param("10.0.0.1", "1.2.3.4, 203.0.113.5", "203.0.113.5", id="forged behind one"),
        pytest.param("10.0.0.1", "203.0.113.5, 10.9.9.9,192.0.2.7", "203.0.113.5", id="three"),
        pytest.param("10.0.0.1", "6.6.6.6, 203.0.113.5, 10.9.9.9", "203.0.113.5", id="deep"),
        pytest.param("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1", id="a proxy is the client"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="empty"),
        pytest.param("10.0.0.1", "unknown", "10.0.0.1", id="garbage"),
        pytest.param("10.0.0.1", "1.2.3.4, <script>, 10.2.2.2", "10.2.2.2", id="garbage between"),
        pytest.param("10.0.0.1", ",,,", "10.0.0.1", id="commas"),
        pytest.param("10.0.0.1", "203.0.113.5:4711", "203.0.113.5", id="with a port"),
        pytest.param("10.0.0.1", "2001:db9::5", "2001:db9::5", id="IPv6"),
        pytest.param("10.0.0.1", "[2001:db9::5]:4711", "2001:db9::5", id="IPv6 with a port"),
        pytest.param("2001:db8::1", "203.0.113.5", "203.0.113.5", id="IPv6 proxy"),
        pytest.param("2001:db9::1", "203.0.113.5", "2001:db9::1", id="IPv6, no proxy"),
        pytest.param("::ffff:10.0.0.1", "::ffff:203.0.113.5", "203.0.113.5", id="mapped"),
        pytest.param("", "203.0.113.5", "203.0.113.5", id="Unix socket"),
        pytest.param("10.0.0.1", "1.2.3.4," * 5000 + "203.0.113.5", "203.0.113.5", id="long"),
    ],
)
def test_the_client_is_the_last_address_before_the_trusted_proxies(
    settings: Settings, peer: str, forwarded_for: str, client: str
) -> None:
    assert seen(settings, peer, **{"for": forwarded_for})[0] == client


def test_a_header_of_several_lines_is_one_list(settings: Settings) -> None:
    """The server joins the lines with commas, without spaces."""
    assert seen(settings, "10.0.0.1", **{"for": "6.6.6.6,203.0.113.5"})[0] == "203.0.113.5"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "proto", "scheme"),
    [
        pytest.param("10.0.0.1", "203.0.113.5", "https", "https", id="trusted"),
        pytest.param("10.0.0.1", "203.0.113.5", "HTTPS", "https", id="in capitals"),
        pytest.param("203.0.113.9", "203.0.113.5", "https", "http", id="forged"),
        pytest.param("10.0.0.1", "203.0.113.5", "gopher", "http", id="garbage"),
        pytest.param("10.0.0.1", "203.0.113.5", "https, http", "http", id="forged behind one"),
        pytest.param("10.0.0.1", "203.0.113.5, 10.1.1.1", "https, http", "https", id="two"),
        pytest.param(
            "10.0.0.1", "203.0.113.5, 10.1.1.1", "https", "https", id="only the first adds it"
        ),
        pytest.param("10.0.0.1", "", "https", "https", id="without an address"),
    ],
)
def test_the_scheme_is_taken_from_trusted_proxies_only(
    settings: Settings, peer: str, forwarded_for: str, proto: str, scheme: str
) -> None:
    assert seen(settings, peer, **{"for": forwarded_for}, proto=proto)[1] == scheme


@pytest.mark.parametrize("peer", ["10.0.0.1", "203.0.113.9"])
def test_all_other_forwarding_headers_are_removed(settings: Settings, peer: str) -> None:
    headers = {
        "for": "203.0.113.5",
        "host": "evil.example",
        "port": "1",
        "server": "x",
        "ssl": "on",
    }

    assert seen(settings, peer, **headers)[2] == {}


def test_without_trusted_proxies_all_forwarding_headers_are_ignored(settings: Settings) -> None:
    global_proxies = PROXIES[:]
    try:
        PROXIES.clear()
        headers = {"for": "203.0.113.5", "proto": "https"}
        assert seen(settings, "127.0.0.1", **headers) == ("127.0.0.1", "http", {})
        assert seen(settings, "", **headers)[0] == ""
    finally:
        PROXIES.extend(global_proxies)


@pytest.mark.django_db
def test_registering_records_the_address_the_agent_came_from(
    client: Client, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    registration = {"agent_id": "a", "host": "h", "port": 80}
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.5"}
    options: dict[str, Any] = {
        "data": registration,
        "content_type": "application/json",
        "headers": headers,
    }

    client.post("/agents/register", **options, REMOTE_ADDR="10.0.0.1")
    assert AgentRecord.objects.get().seen_address == "203.0.113.5"

    client.post("/agents/register", **options, REMOTE_ADDR="203.0.113.9")
    assert AgentRecord.objects.get().seen_address == "203.0.113.9"
