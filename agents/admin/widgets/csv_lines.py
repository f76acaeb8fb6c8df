"""Lines of CSV that a spreadsheet shows as what they say, whatever agents put into them."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

# What a spreadsheet takes for the begin of a formula, in whatever width.
FORMULAS = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LINE_ENDS = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\x0b"): "\\v", ord("\x0c"): "\\f"}
LINE_ENDS |= {ord("\x85"): " ", ord("\u2028"): " ", ord("\u2029"): " "}


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as lines."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: Any) -> str:
    """Return a value as the text of a cell: without a line end, and never a formula.

    Lists and objects are JSON, times as in ISO 8601; None is empty.
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
    # A spreadsheet takes what comes after an apostrophe as text, and does not show it.
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text
