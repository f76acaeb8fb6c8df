"""``python -m deploygen.spec.reference`` writes the JSON schema and the table of keys to docs/."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from deploygen.spec.model import AgentSpec

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = DOCS / "agent.schema.json"
PAGE = DOCS / "agents.md"
TABLE = re.compile(r"(?s)(?<=<!-- the keys of agent.yaml -->\n\n).*?(?=\n<!-- end of the keys -->)")
EMPTY: tuple[Any, ...] = (None, "", [])


def schema() -> dict[str, Any]:
    """Without rules that concern several keys."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "agent.yaml",
        **_tidied(AgentSpec.model_json_schema()),
    }


def schema_text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


def table() -> str:
    whole = schema()
    rows = [
        "| key | meaning | values | default |",
        "|---|---|---|---|",
        *_rows(whole, whole["$defs"], ""),
    ]
    return "".join(f"{row}\n" for row in rows)


def main() -> None:
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda _: table(), page), encoding="utf-8")


def _tidied(value: Any) -> Any:
    if isinstance(value, list):
        return [_tidied(each) for each in value]
    if not isinstance(value, dict):
        return " ".join(value.split()) if isinstance(value, str) else value
    return {
        key: _tidied(each)
        for key, each in value.items()
        if not (key == "title" and isinstance(each, str))
        and not (key == "default" and each in EMPTY)
    }


def _rows(of: dict[str, Any], parts: dict[str, Any], path: str) -> Iterator[str]:
    for key, field in of["properties"].items():
        below = f"{path}{key}"
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        default = "required" if key in of.get("required", ()) else default
        meaning = field.get("description", "").replace("|", r"\|")
        yield f"| `{below}` | {meaning} | {_values(field)} | {default} |"
        if part := _part(field):
            inside = f"{below}[]." if field.get("type") == "array" else f"{below}."
            yield from _rows(parts[part], parts, inside)


def _values(field: dict[str, Any]) -> str:
    if field.get("type") == "array":
        each = _values(field["items"])
        return f"list, each {each}" if each else "list of objects"
    if "oneOf" in field:
        return "object, or `false`"
    words = ["true", "false"] if field.get("type") == "boolean" else field.get("enum", [])
    if words:
        return ", ".join(f"`{word}`" for word in words)
    if "minimum" in field:
        return f"{field['minimum']:g} to {field['maximum']:g}"
    longest = f"up to {field['maxLength']:,} characters" if "maxLength" in field else ""
    return str(field.get("patternErrorMessage", longest))


def _part(field: dict[str, Any]) -> str | None:
    field = field.get("items", field)
    choices = [field, *field.get("oneOf", ()), *field.get("anyOf", ())]
    references = [each["$ref"] for each in choices if "$ref" in each]
    return references[0].rpartition("/")[2] if references else None


if __name__ == "__main__":
    main()
