"""Pages of other websites call the API as far as CORS_ALLOWED_ORIGINS allows."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.registry_project.server.registry_web import RegistryWeb, prepared, registry_web, request
from tests.serving import serving

pytestmark = pytest.mark.integration

# Returns what the page can read of a response, or a network error if the browser hides it.
CALL = """
async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return {
      status: answer.status, headers: Object.fromEntries(answer.headers),
      body: answer.status === 304 ? null : await answer.json(),
    };
  } catch (error) {
    return {hidden: error.name};
  }
}
"""
HIDDEN = {"hidden": "TypeError"}


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None: ...


@contextmanager
def website() -> Iterator[str]:
    """Run a website with an empty page; yield its origin."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def dashboard() -> Iterator[str]:
    with website() as origin:
        yield origin


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with website() as origin:
        yield origin


@pytest.fixture(scope="module")
def allowing(dashboard: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryWeb]:
    folder = tmp_path_factory.mktemp("allowing")
    with registry_web(folder, prepared(folder, CORS_ALLOWED_ORIGINS=dashboard)) as web:
        yield web


OpenSite = Callable[[str], Page]


@pytest.fixture
def open_site(browser: Browser) -> Iterator[OpenSite]:
    """A function that opens the page of a website. Its console has what the browser hides."""
    with browser.new_context() as context:

        def open_site(origin: str) -> Page:
            page = context.new_page()
            page.goto(origin)
            return page

        yield open_site


@pytest.fixture
def dashboard_page(open_site: OpenSite, dashboard: str) -> Page:
    return open_site(dashboard)


def call(page: Page, url: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
    options: dict[str, Any] = {"method": method, "headers": headers}
    if body is not None:
        options["body"] = json.dumps(body)
        headers["Content-Type"] = "application/json"
    return page.evaluate(CALL, [url, options])


def registration(agent_id: str) -> dict[str, Any]:
    return {"agent_id": agent_id, "host": "h", "port": 80}


def test_an_allowed_page_lists_registers_and_renews(
    allowing: RegistryWeb, dashboard_page: Page
) -> None:
    page, agents = dashboard_page, f"{allowing.url}/agents"

    registered = call(page, f"{agents}/register", "POST", registration("a"))
    assert registered["status"] == 201
    token = {"Lease-Token": registered["body"]["lease_token"]}
    renewed = call(page, f"{agents}/a/heartbeat", "POST", {"status": "ready"}, **token)
    assert renewed["body"]["status"] == "ok"

    listed = call(page, agents)
    assert [agent["agent_id"] for agent in listed["body"]] == ["a"]
    again = call(page, agents, **{"If-None-Match": listed["headers"]["etag"]})
    assert again["status"] == 304

    assert call(page, f"{agents}/a", "DELETE", **token)["body"]["status"] == "deleted"


def test_an_allowed_page_follows_links_to_the_next_page(
    allowing: RegistryWeb, dashboard_page: Page
) -> None:
    for agent_id in "bc":
        allowing.register(agent_id)

    listed = call(dashboard_page, f"{allowing.url}/agents?limit=1")

    assert 'rel="next"' in listed["headers"]["link"]


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/agents/nobody", {}, 404),
        ("/agents/nobody/heartbeat", {"method": "POST"}, 404),
        ("/agents?tags=misspelled", {}, 422),
        ("/agents", {"Authorization": "Bearer wrong"}, 401),
    ],
)
def test_an_allowed_page_reads_errors(
    allowing: RegistryWeb, dashboard_page: Page, path: str, options: dict[str, str], status: int
) -> None:
    answer = call(dashboard_page, allowing.url + path, **options)

    assert answer["status"] == answer["body"]["status"] == status


@pytest.mark.parametrize("path", ["/agents", "/health", "/agents/nobody", "/admin/login/"])
def test_another_page_sees_nothing(
    allowing: RegistryWeb, open_site: OpenSite, elsewhere: str, path: str
) -> None:
    assert call(open_site(elsewhere), allowing.url + path) == HIDDEN


def test_another_page_cannot_register(
    allowing: RegistryWeb, open_site: OpenSite, elsewhere: str
) -> None:
    url = f"{allowing.url}/agents/register"

    assert call(open_site(elsewhere), url, "POST", registration("stranger")) == HIDDEN
    assert allowing.exchange(request("GET", "/agents/stranger")).status == 404


def test_an_allowed_page_sees_nothing_of_the_admin(
    allowing: RegistryWeb, dashboard_page: Page
) -> None:
    assert call(dashboard_page, f"{allowing.url}/admin/login/") == HIDDEN


def test_without_the_setting_no_page_sees_anything(
    tmp_path_factory: pytest.TempPathFactory, dashboard_page: Page
) -> None:
    folder = tmp_path_factory.mktemp("default")
    with registry_web(folder, prepared(folder)) as web:
        assert call(dashboard_page, f"{web.url}/agents") == HIDDEN
        assert (
            call(dashboard_page, f"{web.url}/agents/register", "POST", registration("a")) == HIDDEN
        )
        assert web.exchange(request("GET", "/agents/a")).status == 404
