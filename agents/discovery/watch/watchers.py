import json
from abc import ABC, abstractmethod

from agents.discovery.watch.messages import Kind, Message
from agents.discovery.watch.view import View
from agents.event_streams import MAX_UNSENT_BYTES, EventStream
from agents.history.feed import Cursor

BOOKMARK_SECONDS = 30.0
# Streams end after this time, so that revoked tokens lose them.
LONGEST_STREAM_SECONDS = 3600.0
# Unread by the client. Beyond that, it catches up from the feed.
FULL_BYTES = MAX_UNSENT_BYTES // 2


class Follower(ABC):
    """`position`: it has been sent all changes up to here.

    `listed_until`: a list that its client read may be as late as this; None before the first look.
    """

    def __init__(self, view: View, position: int, stream: EventStream) -> None:
        self.view = view
        self.position = position
        self.listed_until: int | None = None
        self.stream = stream

    @property
    @abstractmethod
    def has_room(self) -> bool: ...

    @abstractmethod
    def send(self, message: Message) -> None: ...

    @abstractmethod
    def rest(self, now: float) -> None:
        """Called when all changes are sent, or no more fit. `now`: monotonic."""


class Watcher(Follower):
    def __init__(self, view: View, position: int, stream: EventStream, now: float) -> None:
        super().__init__(view, position, stream)
        self._bookmarked = -1
        self._next_bookmark = now
        self._end = now + LONGEST_STREAM_SECONDS

    @property
    def has_room(self) -> bool:
        return self.stream.unsent < FULL_BYTES

    def send(self, message: Message) -> None:
        self.stream.send(message.as_event)
        self._bookmarked = message.position

    def rest(self, now: float) -> None:
        if now >= self._end:
            self.stream.end()
        if now >= self._next_bookmark:
            self._next_bookmark = now + BOOKMARK_SECONDS
            if self.position != self._bookmarked:
                self.send(Message(Kind.BOOKMARK, self.position))


class Poll(Follower):
    def __init__(self, view: View, position: int, stream: EventStream, until: float) -> None:
        super().__init__(view, position, stream)
        self._until = until
        self._messages: list[str] = []
        self._size = 0
        self.stream.farewell = self._answer()

    @property
    def has_room(self) -> bool:
        return self._size < FULL_BYTES

    def send(self, message: Message) -> None:
        self._messages.append(message.as_json)
        self._size += len(message.as_json.encode())

    def rest(self, now: float) -> None:
        if self._messages or now >= self._until:
            self.finish()

    def finish(self) -> None:
        self.stream.send(self._answer())
        self.stream.end()

    def _answer(self) -> bytes:
        cursor = json.dumps(str(Cursor(self.position)))
        return f'{{"cursor": {cursor}, "changes": [{", ".join(self._messages)}]}}\n'.encode()
