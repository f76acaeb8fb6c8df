import logging
import sysconfig
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from .http.request_ids import request_id

RUNTIME = f"{Path(__file__).resolve().parent}/"
STANDARD_LIBRARY = f"{sysconfig.get_path('stdlib')}/"
PACKAGES = f"{sysconfig.get_path('purelib')}/"
FROZEN = "<frozen "
COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
DIM = "\x1b[2m"
PLAIN = "\x1b[0m"
SHORT_ID = 8

Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}{request}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        identity = request_id.get()
        record.request = f" [{identity}]" if identity else ""
        # Formatters share the text of a traceback, which is shorter here.
        shared, record.exc_text = record.exc_text, None
        try:
            return super().format(record)
        finally:
            record.exc_text = shared

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - as in the base class
        """Leave out the frames before the author's code."""
        if ei[1] is None:
            return super().formatException(ei)
        report = traceback.TracebackException.from_exception(ei[1])
        for each in _chain(report):
            each.stack = _authors_part(each)
        return "".join(report.format()).rstrip("\n")


class TerminalLines(TextLines):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as in the base class
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        colour = COLOURS.get(record.levelname, "")
        identity = request_id.get()[:SHORT_ID]
        end = f" {DIM}{identity}{PLAIN}" if identity else ""
        head = f"{DIM}{clock}{PLAIN} {colour}{record.levelname:<7}{PLAIN}"
        return f"{head} {record.name}: {record.message}{end}"


def _chain(report: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    following: traceback.TracebackException | None = report
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def _authors_part(report: traceback.TracebackException) -> traceback.StackSummary:
    frames = list(report.stack)
    first = next((i for i, frame in enumerate(frames) if not _leads_there(frame.filename)), None)
    if first is None:
        # A SyntaxError shows the line anyway.
        first = len(frames) if issubclass(report.exc_type or object, SyntaxError) else 0
    return traceback.StackSummary.from_list(frames[first:])


def _leads_there(file: str) -> bool:
    in_library = file.startswith(STANDARD_LIBRARY) and not file.startswith(PACKAGES)
    return in_library or file.startswith((RUNTIME, FROZEN))
