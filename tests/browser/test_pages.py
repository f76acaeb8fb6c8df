"""No page of ours does what its own policy forbids; the browser tells in its console."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from agents import leases
from tests.browser.page_errors import logged_in, look_at
from tests.factories import AgentFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

PAGES = {
    "/admin/login/": "csrfmiddlewaretoken",
    "/docs": "swagger-ui",
    "/agents": "agent-in-the-browser",
}
STAFF_PAGES = {
    "/admin/": "Access attempts",
    "/admin/agents/agentrecord/": "agent-in-the-browser",
    "/admin/agents/agentrecord/agent-in-the-browser/change/": "Last heartbeat",
    "/admin/agents/agentrecord/gone-before/change/": "deregistered",
    "/admin/agents/agentevent/": "event",
    "/admin/agents/accesstoken/": "access token",
    "/admin/agents/accesstoken/add/": "id_name",
    "/admin/auth/user/add/": "usable_password",
    "/agents/agent-in-the-browser": "agents.example",
}


@pytest.fixture
def agent() -> None:
    AgentFactory.create(agent_id="agent-in-the-browser", metadata={"a": [1]})
    leases.register(agent_id="gone-before", host="h", port=1)
    leases.deregister(agent_id="gone-before")


@pytest.fixture
def staff_url(live_server: LiveServer, client: Client) -> Iterator[str]:
    client.force_login(User.objects.create_superuser("grace"))
    name = "sessionid"
    with logged_in(live_server.url, f"{name}={client.cookies[name].value}") as url:
        yield url


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_to_its_policy(
    live_server: LiveServer, chromium: str, agent: None, path: str
) -> None:
    page, console = look_at(chromium, f"{live_server.url}{path}")

    assert PAGES[path] in page
    assert console == []


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_a_page_of_the_staff_keeps_to_its_policy(
    staff_url: str, chromium: str, agent: None, path: str
) -> None:
    page, console = look_at(chromium, f"{staff_url}{path}")

    assert STAFF_PAGES[path] in page
    assert console == []


def test_the_browser_does_tell(live_server: LiveServer, chromium: str, settings: Settings) -> None:
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'none'"]}}

    _, console = look_at(chromium, f"{live_server.url}/admin/login/")

    assert console
