"""No page violates its own Content-Security-Policy."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from agents import leases
from tests.browser.devtools import Tab
from tests.factories import AgentFactory
from tests.processes import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

HTML = "document.documentElement.outerHTML"
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
def tab(open_tab: Callable[[], Tab]) -> Tab:
    """A tab that records the browser's log."""
    tab = open_tab()
    for domain in ("Log", "Page"):
        tab.call(f"{domain}.enable")
    tab.call("Page.setLifecycleEventsEnabled", enabled=True)
    return tab


@pytest.fixture
def staff_tab(tab: Tab, live_server: LiveServer, client: Client) -> Tab:
    """A tab in which a superuser is logged in."""
    client.force_login(User.objects.create_superuser("grace"))
    session = client.cookies["sessionid"].value
    tab.call("Network.setCookie", name="sessionid", value=session, url=live_server.url)
    return tab


def violations(tab: Tab, url: str) -> list[str]:
    """Open a page, wait until it has loaded, and return the violations of its policy."""
    page = tab.call("Page.navigate", url=url)["loaderId"]
    wait_until(lambda: is_idle(tab, page), f"the end of loading {url}")
    entries = [event["entry"] for event in tab.events("Log.entryAdded")]
    return [entry["text"] for entry in entries if "Content Security Policy" in entry["text"]]


def is_idle(tab: Tab, page: str) -> bool:
    events = tab.events("Page.lifecycleEvent")
    return any((event["loaderId"], event["name"]) == (page, "networkIdle") for event in events)


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_does_not_violate_its_policy(live_server: LiveServer, tab: Tab, path: str) -> None:
    assert violations(tab, f"{live_server.url}{path}") == []
    assert PAGES[path] in tab.evaluate(HTML)


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("path", STAFF_PAGES)
def test_a_page_for_staff_does_not_violate_its_policy(
    live_server: LiveServer, staff_tab: Tab, path: str
) -> None:
    assert violations(staff_tab, f"{live_server.url}{path}") == []
    assert STAFF_PAGES[path] in staff_tab.evaluate(HTML)


def test_a_violation_is_detected(live_server: LiveServer, tab: Tab, settings: Settings) -> None:
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'none'"]}}

    assert violations(tab, f"{live_server.url}/admin/login/")
