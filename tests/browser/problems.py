"""What goes wrong in a page without being seen."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

FIRST_ERROR_STATUS = 400
# Of requests that a page gives up because another page takes its place.
ABORTED = "net::ERR_ABORTED"


class Problems:
    """Collects errors on the console, uncaught exceptions and failed requests."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._allowed: list[str] = []

    def collect(self, context: BrowserContext) -> None:
        context.on("page", self._collect_exceptions)
        context.on("console", self._add_message)
        context.on("requestfailed", self._add_failure)
        context.on("response", self._add_response)

    def allow(self, pattern: str) -> None:
        """Expect problems whose description contains a regular expression."""
        self._allowed.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        return [
            problem
            for problem in self._found
            if not any(re.search(pattern, problem) for pattern in self._allowed)
        ]

    def _collect_exceptions(self, page: Page) -> None:
        page.on(
            "pageerror",
            lambda error: self._found.append(f"exception in {page.url}: {error.stack or error}"),
        )

    def _add_message(self, message: ConsoleMessage) -> None:
        # The response is already a problem, with more details.
        if message.type == "error" and "Failed to load resource" not in message.text:
            where = message.location.get("url", "")
            self._found.append(f"console: {message.text} ({where})")

    def _add_failure(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._found.append(f"request: {request.method} {request.url}: {request.failure}")

    def _add_response(self, response: Response) -> None:
        if response.status >= FIRST_ERROR_STATUS:
            request = response.request
            self._found.append(f"response: {response.status} {request.method} {request.url}")
