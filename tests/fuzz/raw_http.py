"""Raw bytes over sockets to any web server."""

import secrets as random_secrets
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import httpx

from tests import plain_http
from tests.fuzz import http_requests
from tests.fuzz.http_answers import Answer, BadAnswer, answers_in, check_answer, requests_in

# Seconds in which input must be answered or its connection closed.
LIMIT = 15.0
# With more unread input, a reset may overtake the answer.
FORGIVABLE_BYTES = 16 * 1024
# How much the memory of the web processes may grow after the first turn.
GROWTH_BYTES = 96 * 1024 * 1024
# Beginnings of requests that are kept open.
HELD = (b"GET /health/live HTTP/1.1\r\nHost: x\r\n", b"G", b"")
UNFINISHED_BODY = (
    b"POST /agents/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 50\r\n\r\n{"
)


class RawHttp:
    """The web server at `url`.

    No answer may contain `secrets`; `pids` are its processes, if known. `hold` is the number of
    unfinished requests that are kept open. `limit` is in seconds.
    """

    name = "http"

    def __init__(
        self,
        url: str,
        *,
        secrets: Sequence[str] = (),
        pids: Sequence[int] = (),
        hold: int = 0,
        limit: float = LIMIT,
    ) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._url = url
        self._secrets = [secret.encode() for secret in secrets]
        self._pids = pids
        self._memory: int | None = None
        self._hold = hold
        self._limit = limit
        self._held: list[socket.socket] = []

    def make(self, random: Random) -> Sequence[bytes]:
        return http_requests.make(random)

    def check(self, pieces: Sequence[bytes]) -> str | None:
        payload = b"".join(pieces)
        try:
            for answer in self.answers(payload):
                check_answer(answer, payload, self._secrets)
        except BadAnswer as error:
            return str(error)
        return None

    def answers(self, payload: bytes) -> list[Answer]:
        """Send `payload` over one connection and return the answers. Raises BadAnswer."""
        methods, is_whole = requests_in(payload)
        return self._exchange(payload, methods, is_whole=is_whole)

    def check_health(self) -> str | None:
        try:
            self._hold_some()
            with plain_http.client(self._url, timeout=self._limit) as http:
                _use_normally(http)
        except BadAnswer as error:
            return str(error)
        except httpx.TransportError as error:
            return f"a valid request failed: {error!r}"
        except AssertionError as error:
            return f"a valid request was answered wrongly: {error}"
        return self.check_memory()

    def check_memory(self) -> str | None:
        """Return a problem if memory has grown too much since the first call, else None."""
        if not self._pids:
            return None
        memory = sum(map(_resident_bytes, self._pids))
        if self._memory is None:
            self._memory = memory
        if memory - self._memory > GROWTH_BYTES:
            return f"the web's memory grew from {self._memory >> 20} to {memory >> 20} MiB"
        return None

    def close(self) -> None:
        for held in self._held:
            held.close()
        self._held.clear()

    def _hold_some(self) -> None:
        """Keep `hold` unfinished requests open, replacing those that the server has closed."""
        gone = select.select(self._held, [], [], 0)[0]
        for held in gone:
            held.close()
        self._held = [held for held in self._held if held not in gone]
        while len(self._held) < self._hold:
            number = len(self._held)
            held = self._connect()
            held.sendall((*HELD, UNFINISHED_BODY)[number % 4])
            self._held.append(held)

    def _exchange(self, payload: bytes, methods: list[str], *, is_whole: bool) -> list[Answer]:
        """Return the answers. Raises BadAnswer if an expected answer is missing."""
        received = bytearray()
        answers: list[Answer] = []
        end = time.monotonic() + self._limit
        due = is_whole and len(payload) < FORGIVABLE_BYTES
        try:
            with self._connect() as connection:
                _send(connection, payload, half_close=not is_whole)
                data = b"-"
                while data and not (is_whole and _is_all(answers, methods)):
                    connection.settimeout(max(end - time.monotonic(), 0.001))
                    data = connection.recv(1 << 16)
                    received += data
                    if is_whole or not data:
                        answers = answers_in(bytes(received), methods, at_end=not data)
        except TimeoutError as error:
            raise BadAnswer(f"it was neither answered nor closed in {self._limit:g} s") from error
        except ConnectionError as error:
            if due and not answers:
                raise BadAnswer(f"the connection broke: {error!r}") from error
        if due and not answers:
            raise BadAnswer("a whole request was not answered")
        if is_whole and _is_more(answers, methods):
            raise BadAnswer(f"{len(answers)} answers to {len(methods)} requests")
        return answers

    def _connect(self) -> socket.socket:
        try:
            return socket.create_connection(self._address, timeout=self._limit)
        except OSError as error:
            raise BadAnswer(f"no connection: {error}") from error


def _send(connection: socket.socket, payload: bytes, *, half_close: bool) -> None:
    # The server may have closed already; its answer can still be read.
    with suppress(OSError):
        connection.sendall(payload)
        if half_close:
            connection.shutdown(socket.SHUT_WR)


def _is_all(answers: Sequence[Answer], methods: Sequence[str]) -> bool:
    if len(answers) >= len(methods):
        return True
    return bool(answers) and answers[-1].is_last


def _is_more(answers: Sequence[Answer], methods: Sequence[str]) -> bool:
    """Return whether more requests were answered than sent, other than by 400."""
    return any(answer.status != 400 for answer in answers[len(methods) :])


def _use_normally(http: httpx.Client) -> None:
    """Register, renew, read and deregister an agent. Raises AssertionError if any step fails."""
    agent_id = f"sound-{random_secrets.token_hex(4)}"
    body = {"agent_id": agent_id, "host": "h", "port": 80, "metadata": {"text": "\u00e4\u2028"}}

    def call(method: str, path: str, expected: int, **options: object) -> httpx.Response:
        answer = http.request(method, path, **options)  # type: ignore[arg-type]
        summary = f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        assert answer.status_code == expected, summary
        return answer

    token = call("POST", "/agents/register", 201, json=body).json()["lease_token"]
    headers = {"Lease-Token": token}
    call("POST", f"/agents/{agent_id}/heartbeat", 200, json={"note": "n"}, headers=headers)
    agent = call("GET", f"/agents/{agent_id}", 200).json()
    assert (agent["metadata"], agent["note"]) == (body["metadata"], "n"), agent
    listed = call("GET", f"/agents?search={agent_id}", 200).json()
    assert [found["agent_id"] for found in listed] == [agent_id], listed
    call("DELETE", f"/agents/{agent_id}", 200, headers=headers)
    call("GET", f"/agents/{agent_id}", 404)
    call("GET", "/health/ready", 200)


def _resident_bytes(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
