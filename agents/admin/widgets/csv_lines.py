"""CSV that a spreadsheet shows as text, whatever agents put into it."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

# What may begin a formula, also in full-width characters.
FORMULAS = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LINE_ENDS = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\x0b"): "\\v", ord("\x0c"): "\\f"}
LINE_ENDS |= {ord("\x85"): " ", ord("\u2028"): " ", ord("\u2029"): " "}


def lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: Any) -> str:
    """Return the text of a cell, which has no line ends and is never a formula.

    Lists and objects become JSON, times ISO 8601, None the empty string.
    """
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
    # Spreadsheets take what follows an apostrophe as text and hide the apostrophe.
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text
