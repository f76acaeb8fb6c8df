import time
from collections.abc import Callable, Iterator
from itertools import chain

from registry_project.server.connections import Connection
from registry_project.server.event_loop import EventLoop

Queue = dict[Connection, None]


class Waiting:
    """Connections in queues by their patience, so the first of a queue expires first."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._queues: dict[float, Queue] = {}
        self._count = 0

    def __contains__(self, conn: Connection) -> bool:
        return conn.queue is not None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(chain(*self._queues.values())))

    def add(
        self, conn: Connection, seconds: float, event: int, on_ready: Callable[[Connection], None]
    ) -> None:
        self._count += 1
        conn.on_ready = on_ready
        self._enqueue(conn, seconds)
        self._loop.poll(conn, event)

    def restart(self, conn: Connection, seconds: float) -> None:
        self._dequeue(conn)
        self._enqueue(conn, seconds)

    def remove(self, conn: Connection) -> None:
        self._count -= 1
        self._dequeue(conn)
        self._loop.poll(conn, 0)

    def set_aside(self, conn: Connection) -> None:
        # Polling on saves two system calls if nothing arrives before the answer.
        self._count -= 1
        self._dequeue(conn)
        conn.on_ready = self._stop_polling

    def oldest(self) -> Connection | None:
        firsts = [
            (queued.deadline - seconds, queued)
            for seconds, queue in self._queues.items()
            if (queued := next(iter(queue), None)) is not None
        ]
        return min(firsts, key=lambda first: first[0])[1] if firsts else None

    def expired(self, now: float) -> list[Connection]:
        found: list[Connection] = []
        for queue in self._queues.values():
            for conn in queue:
                if conn.deadline > now:
                    break
                found.append(conn)
        return found

    def _enqueue(self, conn: Connection, seconds: float) -> None:
        conn.deadline = time.monotonic() + seconds
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = {}
        queue[conn] = None
        conn.queue = queue

    def _dequeue(self, conn: Connection) -> None:
        if conn.queue is not None:
            del conn.queue[conn]
            conn.queue = None

    def _stop_polling(self, conn: Connection) -> None:
        self._loop.poll(conn, 0)
