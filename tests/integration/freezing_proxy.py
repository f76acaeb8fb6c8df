"""A proxy in front of PostgreSQL that freezes it right before a chosen write is committed."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from tests.integration.postgres_cluster import PostgresCluster
from tests.processes import wait_until


@dataclass
class Freeze:
    """A freeze at the message that commits a statement containing `pattern`.

    `port` is the client port of that connection, once the statement was seen.
    """

    pattern: bytes
    port: int | None = None
    happened: threading.Event = field(default_factory=threading.Event)


class FreezingProxy:
    """Forwards all bytes, but freezes the cluster before it forwards a chosen commit."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._freeze: Freeze | None = None
        self._in_transaction: set[int] = set()
        self.url = cluster.url.replace(f":{cluster.port}/", f":{self._listener.getsockname()[1]}/")
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def freezing_at(self, pattern: bytes) -> Iterator[Freeze]:
        """Freeze the cluster when a write with `pattern` is about to be committed.

        After the body, thaw it and wait until the server has closed the connection, so that
        everything received is processed.
        """
        freeze = Freeze(pattern)
        with self._lock:
            self._freeze = freeze
        try:
            yield freeze
        finally:
            with self._lock:
                self._freeze = None
            if freeze.happened.is_set():
                self._cluster.thaw()
                wait_until(lambda: not self._is_served(freeze.port), "the end of the connection")

    def close(self) -> None:
        self._listener.close()

    def _is_served(self, port: int | None) -> bool:
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
            responses = threading.Thread(target=_pump, args=[server, client, lambda _text: None])
            responses.start()
            _pump(client, server, lambda text: self._inspect(text, port))
            responses.join()

    def _inspect(self, text: bytes, port: int) -> None:
        with self._lock:
            if b"BEGIN" in text:
                self._in_transaction.add(port)
            if b"COMMIT" in text or b"ROLLBACK" in text:
                self._in_transaction.discard(port)
            freeze = self._freeze
            if freeze is None or freeze.happened.is_set():
                return
            if freeze.port is None and freeze.pattern in text:
                freeze.port = port
            if freeze.port == port and port not in self._in_transaction:
                self._cluster.freeze()
                freeze.happened.set()


def _pump(source: socket.socket, target: socket.socket, look: Callable[[bytes], None]) -> None:
    """Forward data from `source` to `target` until either closes."""
    with suppress(OSError):
        while text := source.recv(1 << 20):
            look(text)
            target.sendall(text)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
