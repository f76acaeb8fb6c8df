"""What tests of pages that refresh themselves share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from django.conf import settings
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.seeded_registry import Role, SeededRegistry

STREAM = re.compile(r"/admin/live/(\?.*)?$")


def expect_way(page: Page, way: str) -> None:
    """Wait until the page hears of changes by "stream", by "polling", or not ("none")."""
    expect(page.locator("html")).to_have_attribute("data-feed", way)


def hide(page: Page, *, is_hidden: bool) -> None:
    """Headless browsers show all of their windows."""
    page.evaluate(
        "(isHidden) => { Object.defineProperty(document, 'hidden',"
        " { value: isHidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        is_hidden,
    )


def hold_back(_route: Route) -> None:
    """As proxies do that pass a response on when it is complete."""


def refuse(route: Route) -> None:
    route.fulfill(status=204)


def log_in_alone(context: BrowserContext, registry: SeededRegistry, role: Role) -> Any:
    """Log in with a session of the test's own, which it may delete; return that."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    session = store()
    session.update(store(registry.sessions[role]).load())
    session.create()
    context.add_cookies([{"name": "sessionid", "value": session.session_key, "url": registry.url}])
    return session


@contextmanager
def no_request(page: Page, path: str) -> Iterator[None]:
    """Fail if the page asks for a path meanwhile."""
    asked = []

    def note(request: Request) -> None:
        if path in request.url:
            asked.append(request.url)

    page.on("request", note)
    yield
    page.remove_listener("request", note)
    assert asked == []
