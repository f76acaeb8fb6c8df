"""Requests and answers in threads, which never wait for a client.

Any thread makes the next piece of an answer, so no cursor or transaction may stay open between
pieces.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from agents.event_streams import EventStream, EventStreamResponse
from registry_project.server import limits
from registry_project.server.connections import Connection
from registry_project.server.gunicorn_parts import (
    FileWrapper,
    NoMoreData,
    Response,
    create_response,
    get_parser,
    write_error,
)
from registry_project.server.refusals import NO_ROOM, Refusal

if TYPE_CHECKING:
    from registry_project.server.worker import Worker


class Next(Enum):
    REQUEST = auto()
    CLOSE = auto()
    CUT = auto()
    RESUME = auto()
    STREAM = auto()


class Exchange:
    """`advance` and `abandon` run in threads, one at a time."""

    __slots__ = (
        "_answer",
        "_bytes",
        "_conn",
        "_environ",
        "_may_keep",
        "_pieces",
        "_request",
        "_response",
        "_started",
        "_worker",
        "stream",
    )

    def __init__(
        self,
        worker: "Worker",
        conn: Connection,
        request: bytes,
        *,
        may_keep: bool,
        environ: Mapping[str, Any] | None = None,
    ) -> None:
        self._worker = worker
        self._conn = conn
        self._bytes = request
        self._may_keep = may_keep
        self._started = datetime.now()  # noqa: DTZ005 - for a difference, in gunicorn's log
        self._request: Any = None
        self._response: Any = None
        self._environ = dict(environ or {})
        self._answer: Iterable[bytes] | None = None
        self._pieces: Iterator[bytes] | None = None
        self.stream: EventStream | None = None

    @property
    def is_liveness_check(self) -> bool:
        return self._bytes.startswith((b"GET /health/live ", b"GET /health/live/ "))

    @property
    def is_chunked(self) -> bool:
        return bool(self._response.chunked)

    def advance(self) -> Next:
        try:
            if self._answer is None:
                answer = self._answer = self._begin()
                if isinstance(answer, EventStreamResponse) and (done := self._hand_over(answer)):
                    return done
            return self._produce()
        except Exception as error:
            return self._fail(error)

    def abandon(self) -> None:
        self._finish(Next.CUT)

    def _begin(self) -> Iterable[bytes]:
        worker, conn = self._worker, self._conn
        self._request = next(get_parser(worker.cfg, [self._bytes], conn.client))
        if not self._may_keep:
            self._request.force_close()
        worker.cfg.pre_request(worker, self._request)
        self._response, environ = create_response(
            self._request,
            conn.outgoing,
            conn.client,
            conn.server,
            worker.cfg,
            response_class=Response,
        )
        self._environ = {**environ, "wsgi.multithread": True, **self._environ}
        worker.count_request()
        answer: Iterable[bytes] = worker.wsgi(self._environ, self._response.start_response)
        if not worker.alive:
            self._response.force_close()
        return answer

    def _produce(self) -> Next:
        conn, response = self._conn, self._response
        if self._pieces is None:
            # HEAD makes no export.
            self._pieces = iter(() if response.omits_body else self._answer or ())
        # A file's blocks are small.
        enough = limits.PAUSE_BYTES if isinstance(self._answer, FileWrapper) else 0
        for piece in self._pieces:
            response.write(piece)
            if conn.outgoing.size < enough:
                continue
            if not conn.send():
                return self._finish(Next.CUT)
            if response.is_complete:
                break
            if conn.outgoing.size > limits.PAUSE_BYTES:
                self._bytes = b""  # an answer that has begun cannot be refused
                return Next.RESUME
        if response.is_incomplete:
            raise ValueError("the answer is shorter than its Content-Length")
        response.close()
        keeps_open = conn.send() and not response.should_close()
        return self._finish(Next.REQUEST if keeps_open else Next.CLOSE)

    def _hand_over(self, answer: EventStreamResponse) -> Next | None:
        if self._response.omits_body:
            return None
        if not self._worker.clients.watchers.has_room:
            Refusal(self._conn.outgoing, self._bytes).sendall(NO_ROOM)
            self._conn.send()
            return self._finish(Next.CLOSE)
        self.stream = answer.hand_over()
        if self.stream is None:
            return None
        self._response.force_close()
        self._response.send_headers()
        self._conn.send()
        return self._finish(Next.STREAM)

    def _fail(self, error: Exception) -> Next:
        worker, conn = self._worker, self._conn
        if self._response is not None and self._response.headers_sent:
            worker.log.error("The answer to %s broke off", self._request.uri, exc_info=error)
            return self._finish(Next.CUT)
        refusal = Refusal(conn.outgoing, self._bytes)
        if isinstance(error, (NoMoreData, StopIteration)):
            write_error(refusal, 400, "Bad Request", "")
        else:
            worker.handle_error(self._request, refusal, conn.client, error)
        conn.send()
        return self._finish(Next.CLOSE)

    def _finish(self, outcome: Next) -> Next:
        worker, answer = self._worker, self._answer
        self._answer = self._pieces = None
        try:
            if answer is not None:
                took = datetime.now() - self._started  # noqa: DTZ005
                worker.log.access(self._response, self._request, self._environ, took)
                if hasattr(answer, "close"):
                    answer.close()
            if self._request is not None:
                worker.cfg.post_request(worker, self._request, self._environ, self._response)
        except Exception:
            worker.log.exception("An answer could not be closed")
        return outcome
