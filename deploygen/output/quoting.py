"""Filters of templates. No value can become an instruction, key or markup."""

import json
import re
import shlex
from typing import Any

LINE_ENDS = re.compile(r"\s*[\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def yaml_flow(value: Any) -> str:
    """Return one line, which is JSON too."""
    text = json.dumps(value, ensure_ascii=False)
    # YAML refuses some characters even in quotes, and reads others as line ends.
    return "".join(
        character
        if character.isprintable() or ord(character) > 0xFFFF  # noqa: PLR2004
        else f"\\u{ord(character):04x}"
        for character in text
    )


def dockerfile_quoted(text: str) -> str:
    """Return one word; line ends become blanks."""
    escaped = re.sub(r'(["\\$])', r"\\\1", LINE_ENDS.sub(" ", text))
    return f'"{escaped}"'


def shell_option(value: str, name: str) -> str:
    return f"{name} {shlex.quote(value)} \\\n        "


def dockerignore_escaped(path: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)


def markdown_escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|~&!$])", r"\\\1", " ".join(text.split()))
