"""Whether a watch lists or goes on from a cursor, and how long it pauses before that."""

from collections.abc import Sequence
from http import HTTPStatus

from ..registration.errors import RegistryError, RegistryRefused, RegistryUnavailable
from ..registration.pacing import Pacing
from .calls import Page
from .events import Message
from .view import Change, View

PACING = Pacing(first_seconds=0.5, longest_seconds=15.0)
# The registry sends something every 15 s.
SILENCE_SECONDS = 45.0
ENDED = "the registry has ended the stream"


class Following:
    """`cursor`: None if a list is needed. `problem`: why the view may be out of date."""

    def __init__(self, pacing: Pacing | None = None) -> None:
        self.view = View()
        self.cursor: str | None = None
        self.problem: str | None = "not listed yet"
        self._pacing = pacing or PACING
        self._failures = 0

    def listed(self, pages: Sequence[Page]) -> list[Change]:
        """Raise RegistryUnavailable if the list has no cursor, as when the registry is busy."""
        self.cursor = pages[0].cursor
        if self.cursor is None:
            raise RegistryUnavailable("a list without a cursor")
        return list(self.view.replace(agent for page in pages for agent in page.agents))

    def received(self, message: Message) -> list[Change]:
        """Raise NotAMessage."""
        changes = list(self.view.apply(message))
        self.cursor = message.cursor
        self.problem = None
        self._failures = 0
        return changes

    def failed(self, error: RegistryError) -> float:
        """Return the seconds to pause. Raises errors that retries cannot help."""
        self.problem = str(error)
        if isinstance(error, RegistryRefused):
            if error.status != HTTPStatus.GONE:
                raise error
            self.cursor = None  # events after it are gone
        self._failures += 1
        retry_after = error.retry_after if isinstance(error, RegistryUnavailable) else None
        longest = self._pacing.longest_seconds
        return self._pacing.after_failure(self._failures, longest, retry_after)
