"""CSV in which a spreadsheet finds no formulas, whatever agents send."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

# Including full-width characters.
FORMULAS = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LINE_ENDS = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\x0b"): "\\v", ord("\x0c"): "\\f"}
LINE_ENDS |= {ord("\x85"): " ", ord("\u2028"): " ", ord("\u2029"): " "}


# What `cell` changes, in cells that SEPARATOR precedes.
SEPARATOR = "\x1f"
UNUSUAL = re.compile(
    rf"[{re.escape(''.join(map(chr, LINE_ENDS)))}]"
    rf"|{SEPARATOR} *[{re.escape(''.join(FORMULAS))}]"
)


def column(values: Sequence[str]) -> Sequence[str]:
    """Return the cells of a column of text."""
    # One search for all: hardly any cell is unusual.
    if UNUSUAL.search(SEPARATOR + SEPARATOR.join(values)):
        return [cell(value) for value in values]
    return values


def lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: Any) -> str:
    """Return a cell in one line: lists and objects as JSON, times in ISO 8601, None as empty."""
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
    # Spreadsheets hide a leading apostrophe and take the rest as text.
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text
