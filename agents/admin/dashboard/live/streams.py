import logging
import threading
import time
from collections.abc import Collection

from django.db import Error, close_old_connections, connection

from agents.admin.dashboard.live.audience import Login
from agents.admin.dashboard.live.changes import Changes, changes_between
from agents.admin.dashboard.live.pulse import Pulse
from agents.database.availability import log_unavailable
from agents.event_streams import EventStream, encode_event
from agents.history import feed

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
PULSE_SECONDS = 3.0
CHECK_SECONDS = 5.0
# Pages take a longer silence for a server that holds events back.
STILL_SECONDS = 10.0
LONGEST_SECONDS = 3600.0
MAX_STREAMS = 100
# Browsers open six connections to a server at most, unless it has HTTP/2.
MAX_STREAMS_OF_A_LOGIN = 3

STILL = encode_event("{}", name="still")
LOOK_AGAIN = encode_event("{}", name="pulse")


class OpenPage:
    """`position`: it has been told of all changes up to here."""

    __slots__ = ("end", "login", "position", "stream")

    def __init__(self, stream: EventStream, login: Login, position: int) -> None:
        self.stream = stream
        self.login = login
        self.position = position
        self.end = time.monotonic() + LONGEST_SECONDS


class Streams:
    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._last_pulse = ""
        self._lock = threading.Lock()
        self._pages: dict[EventStream, OpenPage] = {}
        self._thread: threading.Thread | None = None
        self._is_new = threading.Event()
        self._end = 0
        self._next: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, page: OpenPage, hello: bytes) -> bool:
        """Send `hello`, then changes. Return False if there are too many pages already."""
        with self._lock:
            pages = self._pages.values()
            of_the_login = sum(1 for other in pages if other.login.key == page.login.key)
            if len(pages) >= MAX_STREAMS or of_the_login >= MAX_STREAMS_OF_A_LOGIN:
                return False
            page.stream.send(hello)
            self._pages[page.stream] = page
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="open-pages", daemon=True)
                self._thread.start()
        self._is_new.set()
        return True

    def remove(self, stream: EventStream) -> None:
        with self._lock:
            self._pages.pop(stream, None)

    def _run(self) -> None:
        while self._has_pages():
            try:
                close_old_connections()
                self._look(time.monotonic())
            except Error as error:
                log_unavailable(error)
            except Exception:  # a bug here must not end the thread
                logger.exception("open pages could not be served")
            self._is_new.wait(LOOK_SECONDS)
            self._is_new.clear()
        connection.close()

    def _has_pages(self) -> bool:
        with self._lock:
            if not self._pages:
                self._thread = None
            return bool(self._pages)

    def _look(self, now: float) -> None:
        pages = self._open_pages(now)
        if feed.newest_position() > self._end and (settled := feed.settled_position()) is not None:
            self._end = settled
        behind = [page for page in pages if page.position < self._end]
        for position in {page.position for page in behind}:
            changes = changes_between(position, self._end)
            _send(changes, [page for page in behind if page.position == position])
        if self._is_due("pulse", now, PULSE_SECONDS) and self._has_new_pulse():
            _broadcast(LOOK_AGAIN, pages)
        if self._is_due("still", now, STILL_SECONDS):
            _broadcast(STILL, pages)
        if self._is_due("check", now, CHECK_SECONDS):
            self._check_logins(pages)

    def _open_pages(self, now: float) -> list[OpenPage]:
        pages = list(self._pages.values())
        for page in pages:
            if now >= page.end:
                page.stream.end()
            if page.stream.over:
                self.remove(page.stream)
        return [page for page in pages if not page.stream.over]

    def _is_due(self, what: str, now: float, seconds: float) -> bool:
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + seconds
        return True

    def _has_new_pulse(self) -> bool:
        before, self._last_pulse = self._last_pulse, self._pulse.read()
        return before not in {"", self._last_pulse}

    def _check_logins(self, pages: Collection[OpenPage]) -> None:
        ended = {login for login in {page.login for page in pages} if not login.may_still_look()}
        for page in pages:
            if page.login in ended:
                page.stream.end()
                self.remove(page.stream)


def _send(changes: Changes, pages: Collection[OpenPage]) -> None:
    _broadcast(changes.as_event, pages)
    for page in pages:
        page.position = changes.position


def _broadcast(event: bytes, pages: Collection[OpenPage]) -> None:
    for page in pages:
        page.stream.send(event)
