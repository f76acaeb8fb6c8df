"""Fixtures of tests in Debian's Chromium. CONTRIBUTING.md shows a test that uses them."""

import os
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from tests.browser.accessibility import violations
from tests.browser.problems import Problems
from tests.browser.seeded_registry import Role, SeededRegistry, seeded_registry, using

WIDE, NARROW = 1440, 400
HEIGHT = 900
# Generous, for a busy machine.
PATIENCE_MS = 60_000


class OpenPage(Protocol):
    def __call__(
        self,
        path: str,
        *,
        role: Role | None = "Admin",
        width: int = WIDE,
        colours: Literal["light", "dark"] = "light",
        before: Callable[[BrowserContext], object] | None = None,
        **context: Any,
    ) -> Page: ...


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium for all tests of this folder that the process runs in a row.

    It does not outlive them: an event loop runs for it in the background of the process, which
    other tests would take for their own, as Django does.
    """
    options = ["--no-sandbox"] if os.getuid() == 0 else []
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=PATIENCE_MS)
        with playwright.chromium.launch(executable_path=chromium, args=options) as browser:
            yield browser


@pytest.fixture(scope="session")
def running_registry(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[SeededRegistry]:
    """A registry for all tests. A module whose tests need other settings overrides it."""
    folder = tmp_path_factory.mktemp("registry")
    with seeded_registry(folder, django_db_blocker) as registry:
        yield registry


@pytest.fixture
def registry(
    running_registry: SeededRegistry, django_db_blocker: DjangoDbBlocker
) -> Iterator[SeededRegistry]:
    """The registry of the tests. The test's own calls of models and `leases` work on its database.

    What other tests have left there stays, so a test looks at agents of its own.
    """
    with using(running_registry.database, django_db_blocker):
        yield running_registry


@pytest.fixture
def problems() -> Iterator[Problems]:
    """What went wrong unseen in the test's pages. The test fails unless it allowed that."""
    problems = Problems()
    yield problems
    assert problems.unexpected == []


@pytest.fixture
def open_page(browser: Browser, registry: SeededRegistry, problems: Problems) -> Iterator[OpenPage]:
    """A function that opens a page in a window of its own, with somebody logged in.

    It calls `before` with the window's context first, and takes more options of Playwright's
    `new_context`.
    """
    contexts = []

    def open_page(
        path: str,
        *,
        role: Role | None = "Admin",
        width: int = WIDE,
        colours: Literal["light", "dark"] = "light",
        before: Callable[[BrowserContext], object] | None = None,
        **context: Any,
    ) -> Page:
        options = {"locale": "en-GB", "reduced_motion": "reduce"} | context
        opened = browser.new_context(
            base_url=registry.url,
            viewport={"width": width, "height": HEIGHT},
            color_scheme=colours,
            **options,
        )
        contexts.append(opened)
        opened.set_default_timeout(PATIENCE_MS)
        problems.collect(opened)
        if role is not None:
            cookie = {"name": "sessionid", "value": registry.sessions[role], "url": registry.url}
            opened.add_cookies([cookie])  # type: ignore[list-item]
        if before is not None:
            before(opened)
        page = opened.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """A function that fails if a page violates WCAG 2.2 AA."""

    def check(page: Page) -> None:
        found = violations(page)
        assert not found, "\n".join([page.url, *found])

    return check
