"""Filters for the templates: values as the syntax of a generated file requires them.

Whatever a value holds, it stays one value: it becomes no instruction, key or markup.
"""

import json
import re
from typing import Any

LINE_ENDS = re.compile(r"\s*[\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def yaml_flow(value: Any) -> str:
    """Return a scalar or a structure as YAML on one line, which is JSON too."""
    text = json.dumps(value, ensure_ascii=False)
    # YAML takes some characters for line ends, and refuses others, even in quotes.
    return "".join(
        character
        if character.isprintable() or ord(character) > 0xFFFF  # noqa: PLR2004
        else f"\\u{ord(character):04x}"
        for character in text
    )


def dockerfile_quoted(text: str) -> str:
    """Return `text` as a double-quoted word of a Dockerfile; line ends become blanks."""
    escaped = re.sub(r'(["\\$])', r"\\\1", LINE_ENDS.sub(" ", text))
    return f'"{escaped}"'


def markdown_escaped(text: str) -> str:
    """Return `text` as one line of plain text in Markdown, without markup or HTML."""
    return re.sub(r"([\\`*_\[\]<>#|~&!$])", r"\\\1", " ".join(text.split()))
