from collections.abc import Callable, Iterator

import pytest

from tests.browser.devtools import BrowserPipe, Tab, new_context, open_browser


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[BrowserPipe]:
    with open_browser(chromium) as browser:
        yield browser


@pytest.fixture
def open_tab(browser: BrowserPipe) -> Iterator[Callable[[], Tab]]:
    """What opens a tab; those of one test share cookies, and nothing with those of another."""
    with new_context(browser) as open_tab:
        yield open_tab
