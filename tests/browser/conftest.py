from collections.abc import Callable, Iterator

import pytest

from tests.browser.devtools import BrowserPipe, Tab, new_context, open_browser


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[BrowserPipe]:
    with open_browser(chromium) as browser:
        yield browser


@pytest.fixture
def open_tab(browser: BrowserPipe) -> Iterator[Callable[[], Tab]]:
    """A function that opens a tab. The tabs of a test share cookies, and only with each other."""
    with new_context(browser) as open_tab:
        yield open_tab
