"""Logs on standard output, as text or JSON."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .config import ConfigError
from .http.request_ids import request_id
from .text_logs import TerminalLines, TextLines

VARIABLE = "AGENT_LOG_FORMAT"
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logs(agent_id: str, environ: Mapping[str, str], is_terminal: bool) -> None:
    """AGENT_LOG_FORMAT is json or text, by default text for terminals. Raises ConfigError."""
    chosen = environ.get(VARIABLE) or ("text" if is_terminal else "json")
    if chosen not in ("json", "text"):
        raise ConfigError(f"{VARIABLE} must be json or text, not {chosen!r}")
    handler = logging.StreamHandler(sys.stdout)
    if chosen == "json":
        handler.setFormatter(JsonLines(agent_id))
    else:
        has_colours = is_terminal and not environ.get("NO_COLOR")
        handler.setFormatter(TerminalLines() if has_colours else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class JsonLines(logging.Formatter):
    def __init__(self, agent_id: str) -> None:
        super().__init__()
        self._agent_id = agent_id

    def format(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in STANDARD}
        line: dict[str, Any] = extra | {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "agent_id": self._agent_id,
        }
        if identity := request_id.get():
            line["request_id"] = identity
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _as_json(line)


def _as_json(line: dict[str, Any]) -> str:
    try:
        return json.dumps(line, default=str, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # keys that JSON lacks, a cycle, NaN
        return json.dumps({key: str(value) for key, value in line.items()})
