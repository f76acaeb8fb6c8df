"""Logs what would bypass the log: output, warnings, uncaught exceptions."""

import contextvars
import faulthandler
import io
import logging
import sys
import threading
from concurrent.futures import thread as executor_threads
from typing import Any, cast

from .http.request_ids import request_id

logger = logging.getLogger("agent")

LONGEST_LINE = 8192  # bytes


def capture_failures() -> None:
    faulthandler.enable(sys.__stderr__ or sys.stderr)
    logging.captureWarnings(capture=True)
    _inherit_contexts()
    sys.excepthook = lambda kind, error, traceback: logger.critical(
        "the agent failed", exc_info=(kind, error, traceback)
    )
    sys.unraisablehook = lambda failed: logger.error(
        "%s %r",
        failed.err_msg or "Exception ignored in",
        failed.object,
        exc_info=failed.exc_value,
    )
    threading.excepthook = _log_failed_thread


def capture_output() -> None:
    """Log what is printed, each line with its request's id."""
    for name, level in (("stdout", logging.INFO), ("stderr", logging.WARNING)):
        lines = Lines(getattr(sys, name), logging.getLogger(f"agent.{name}"), level)
        _captured.append(lines)
        text = io.TextIOWrapper(
            cast("io.BufferedWriter", lines),
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )
        setattr(sys, name, text)


def end_lines() -> None:
    for lines in _captured:
        lines.end()


def end_all_lines() -> None:
    for lines in _captured:
        lines.end_all()


class Lines(io.RawIOBase):
    def __init__(self, stream: Any, log: logging.Logger, level: int) -> None:
        self._stream = stream
        self._log = log
        self._level = level
        # A signal handler may print too.
        self._lock = threading.RLock()
        self._begun: dict[str, bytes] = {}
        self._thread = threading.local()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def write(self, data: Any) -> int:
        if getattr(self._thread, "logs", False):
            # logging failed, and cannot log that
            self._stream.write(bytes(data).decode(errors="backslashreplace"))
            return len(data)
        with self._lock:
            identity = request_id.get()
            *lines, rest = (self._begun.pop(identity, b"") + bytes(data)).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines.append(rest)
            elif rest:
                self._begun[identity] = rest
        self._write_lines(lines)
        return len(data)

    def end(self) -> None:
        with self._lock:
            rest = self._begun.pop(request_id.get(), b"")
        self._write_lines([rest])

    def end_all(self) -> None:
        with self._lock:
            lines, self._begun = list(self._begun.values()), {}
        self._write_lines(lines)

    def _write_lines(self, lines: list[bytes]) -> None:
        self._thread.logs = True
        try:
            for line in lines:
                # A progress bar returns to the start of its line.
                last = line.rstrip(b"\r").rpartition(b"\r")[2]
                if last:
                    self._log.log(self._level, "%s", last.decode(errors="backslashreplace"))
        finally:
            self._thread.logs = False


_captured: list[Lines] = []


def _log_failed_thread(failed: threading.ExceptHookArgs) -> None:
    name = failed.thread.name if failed.thread else "?"
    context = getattr(failed.thread, "_agent_context", None) or contextvars.copy_context()
    if failed.exc_type is not SystemExit:
        context.run(logger.error, "the thread %s failed", name, exc_info=failed.exc_value)


def _inherit_contexts() -> None:
    """Let threads log with the request id of their starter, as Python 3.14 can."""
    start = threading.Thread.start

    def start_in_context(self: threading.Thread) -> None:
        # Executors' threads serve many requests.
        if getattr(self, "_target", None) is not executor_threads._worker:  # noqa: SLF001
            context = contextvars.copy_context()
            run = self.run
            self._agent_context = context  # type: ignore[attr-defined]
            self.run = lambda: context.run(run)  # type: ignore[method-assign]
        start(self)

    threading.Thread.start = start_in_context  # type: ignore[method-assign]
