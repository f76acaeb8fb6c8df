"""A receiver of webhooks that fails for a while."""

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Received:
    """`number`: of the event in the registry's history."""

    message_id: str
    agent_id: str
    kind: str
    number: int


class Receiver:
    """It answers 503 until `fails_until`, by the monotonic clock."""

    def __init__(self) -> None:
        self.secret = ""
        self.fails_until = 0.0
        self.received: list[Received] = []
        self.refused = 0
        self.wrong_signatures = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.take(body, headers))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Return the status of the answer."""
        with self._lock:
            if time.monotonic() < self.fails_until:
                self.refused += 1
                return 503
            try:
                message = Webhook(self.secret).verify(body, headers)
            except WebhookVerificationError:
                self.wrong_signatures += 1
                return 400
            self.received.append(_read(message, headers["webhook-id"]))
            return 204


def _read(message: dict[str, Any], message_id: str) -> Received:
    event = message["data"]["event"]
    cursor: str = event["cursor"]
    number = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return Received(message_id, event["agent_id"], event["kind"], number)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    with receiver.server as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
