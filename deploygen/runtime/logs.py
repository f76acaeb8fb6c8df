import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .config import ConfigError
from .http.request_ids import request_id
from .spans import trace_id
from .text_logs import TerminalLines, TextLines

VARIABLE = "AGENT_LOG_FORMAT"
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logs(identity: Mapping[str, str], environ: Mapping[str, str], is_terminal: bool) -> bool:
    """Return whether lines are JSON. Raises ConfigError.

    `identity`: fields of each JSON line.
    """
    chosen = environ.get(VARIABLE) or ("text" if is_terminal else "json")
    if chosen not in ("json", "text"):
        raise ConfigError(f"{VARIABLE} must be json or text, not {chosen!r}")
    handler = logging.StreamHandler(sys.stdout)
    if chosen == "json":
        handler.setFormatter(JsonLines(identity))
    else:
        has_colours = is_terminal and not environ.get("NO_COLOR")
        handler.setFormatter(TerminalLines() if has_colours else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return chosen == "json"


class JsonLines(logging.Formatter):
    def __init__(self, identity: Mapping[str, str]) -> None:
        super().__init__()
        self._identity = identity

    def format(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in STANDARD}
        line: dict[str, Any] = extra | {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._identity,
        }
        if identity := request_id.get():
            line["request_id"] = identity
        if trace := trace_id():
            line["trace_id"] = trace
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _as_json(line)


def _as_json(line: dict[str, Any]) -> str:
    try:
        return json.dumps(line, default=str, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # odd keys, a cycle, NaN
        return json.dumps({key: str(value) for key, value in line.items()})
