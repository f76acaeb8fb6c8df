"""The connections that wait for their client."""

from collections.abc import Callable, Iterator

from registry_project.server.connections import Connection
from registry_project.server.event_loop import EventLoop


class Waiting:
    """The longest waiting comes first."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._connections: dict[Connection, None] = {}

    def __contains__(self, conn: Connection) -> bool:
        return conn in self._connections

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections))

    def add(self, conn: Connection, event: int, on_ready: Callable[[Connection], None]) -> None:
        conn.on_ready = on_ready
        self._connections[conn] = None
        self._loop.poll(conn, event)

    def remove(self, conn: Connection) -> None:
        del self._connections[conn]
        self._loop.poll(conn, 0)

    def set_aside(self, conn: Connection) -> None:
        """Stop waiting, while the event loop makes the answer."""
        # Still polled, to save two system calls: usually nothing arrives before the answer.
        del self._connections[conn]
        conn.on_ready = self._stop_polling

    def oldest(self) -> Connection | None:
        return next(iter(self._connections), None)

    def expired(self, now: float) -> list[Connection]:
        return [conn for conn in self._connections if conn.deadline <= now]

    def _stop_polling(self, conn: Connection) -> None:
        self._loop.poll(conn, 0)
