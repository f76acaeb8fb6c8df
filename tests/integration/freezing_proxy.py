"""A proxy before PostgreSQL that freezes it at a chosen message, which then waits in its socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from tests.integration.postgres_cluster import PostgresCluster
from tests.processes import wait_until


@dataclass
class Frozen:
    """What the proxy waits for: messages with these bytes, one after the other.

    `port` is that of the connection whose message was the last, once it came.
    """

    patterns: list[bytes]
    happened: threading.Event = field(default_factory=threading.Event)
    port: int = 0


class FreezingProxy:
    """Passes on all bytes, and freezes the cluster before it passes on those of a pattern."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._frozen: Frozen | None = None
        self.url = cluster.url.replace(f":{cluster.port}/", f":{self._listener.getsockname()[1]}/")
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def freezing_at(self, *patterns: bytes) -> Iterator[Frozen]:
        """Freeze the cluster when the last of `patterns` comes, until the body has ended.

        At the end, return when the server has done with the connection that sent it: what it was
        going to do with the message is done.
        """
        frozen = Frozen(list(patterns))
        with self._lock:
            self._frozen = frozen
        try:
            yield frozen
        finally:
            with self._lock:
                self._frozen = None
            if frozen.happened.is_set():
                self._cluster.thaw()
                wait_until(lambda: not self._is_served(frozen.port), "the end of the connection")

    def close(self) -> None:
        self._listener.close()

    def _is_served(self, port: int) -> bool:
        with psycopg.connect(self._cluster.url) as connection:
            sql = "SELECT FROM pg_stat_activity WHERE client_port = %s"
            return connection.execute(sql, [port]).fetchone() is not None

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._cluster.port)) as server:
            port = server.getsockname()[1]
            answers = threading.Thread(target=_pump, args=[server, client, lambda _text: None])
            answers.start()
            _pump(client, server, lambda text: self._look(text, port))
            answers.join()

    def _look(self, text: bytes, port: int) -> None:
        with self._lock:
            frozen = self._frozen
            if frozen is None or not frozen.patterns or frozen.patterns[0] not in text:
                return
            del frozen.patterns[0]
            if not frozen.patterns:
                frozen.port = port
                self._cluster.freeze()
                frozen.happened.set()


def _pump(source: socket.socket, target: socket.socket, look: Callable[[bytes], None]) -> None:
    """Pass on what `source` says until it has no more to say, or nobody listens."""
    with suppress(OSError):
        while text := source.recv(1 << 20):
            look(text)
            target.sendall(text)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
