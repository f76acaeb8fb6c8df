import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """A fraction from 0 to 1, a message, or both."""

    fraction: float | None = None
    message: str = ""

    def __str__(self) -> str:
        return self.message or f"{self.fraction or 0:.0%}"


@dataclass(frozen=True, kw_only=True)
class Context:
    """For a handler's parameter `context`; tests may pass `Context()`."""

    run_id: str = ""  # the job's id; in A2A, the task's
    request_id: str = ""  # X-Request-ID
    caller: str = ""  # client's address
    headers: Mapping[str, str] = field(default_factory=dict)  # in any case
    context_id: str = ""  # of the conversation, in A2A
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("agent.handler"))
    report: Callable[[Progress], None] = field(default=lambda _: None, repr=False)

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        """Report how far the run is. For any thread; never waits.

        `fraction`: 0 to 1, otherwise raises ValueError; `message`: up to 500 characters. Only the
        latest report counts.
        """
        if fraction is not None and not 0 <= fraction <= 1:
            raise ValueError(f"the fraction must be from 0 to 1, not {fraction}")
        text = message[:LONGEST_MESSAGE].encode(errors="replace").decode()
        self.report(Progress(None if fraction is None else float(fraction), text))
