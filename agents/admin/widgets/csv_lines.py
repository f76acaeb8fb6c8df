"""CSV without formulas for spreadsheets, whatever agents send."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LINE_ENDS = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\x0b"): "\\v", ord("\x0c"): "\\f"}
LINE_ENDS |= {ord("\x85"): " ", ord("\u2028"): " ", ord("\u2029"): " "}

SEPARATOR = "\x1f"
# Cells to change, each after a SEPARATOR.
UNUSUAL = re.compile(
    rf"[{re.escape(''.join(map(chr, LINE_ENDS)))}]"
    rf"|{SEPARATOR} *[{re.escape(''.join(FORMULAS))}]"
)


def column(values: Sequence[str]) -> Sequence[str]:
    if UNUSUAL.search(SEPARATOR + SEPARATOR.join(values)):
        return [cell(value) for value in values]
    return values


def lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: Any) -> str:
    """Lists and objects become JSON, times ISO 8601, None empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.translate(LINE_ENDS)
    # Spreadsheets treat what follows a hidden apostrophe as text.
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text
