"""The JSON schema of agent.yaml, which the reader goes by, and which editors understand.

python -m deploygen.spec.schema > docs/agent.schema.json
"""

import json
from typing import Any

from deploygen.spec import model, rules

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Schema:
    """Return the whole schema. What concerns several fields at once is beyond it."""
    return {
        "$schema": DRAFT,
        "title": "agent.yaml",
        "description": "An agent, as generate_agent makes it.",
        **_object(
            ["name"],
            name=_text(
                "Its name, and that of its image: a-z, 0-9, and between these '.', '_' or '-'.",
                pattern=rules.NAME,
            ),
            description=_described("What it does."),
            version=_text(
                "Its version, in quotes if it looks like a number.",
                pattern=rules.VERSION,
                default=model.DEFAULT_VERSION,
            ),
            agent_id=_text("Its id; the name if not given.", pattern=rules.AGENT_ID),
            port=_integer(
                "Where it listens.",
                rules.LOWEST_PORT,
                rules.HIGHEST_PORT,
                default=model.DEFAULT_PORT,
            ),
            handler=_text(
                "The function that does the work: module:function.",
                pattern=rules.HANDLER,
                default=model.DEFAULT_HANDLER,
            ),
            inputs=_list("What /run takes; without it, any JSON object.", _input()),
            outputs=_list("What the handler returns; without it, any JSON object.", _output()),
            skills=_list("What it can do, for the registry and the agent card.", _skill()),
            tags=_names("What to find it by in the registry."),
            requirements=_list(
                "What its code needs from PyPI (PEP 508), such as 'numpy>=2'.",
                _text("", maxLength=rules.LONGEST_VALUE, minLength=1),
                uniqueItems=True,
            ),
            environment=_list(
                "Variables that its code reads.", {"anyOf": [_variable_name(), _variable()]}
            ),
            secrets=_list(
                "Names of secrets. Their values come at run time, by NAME or the file NAME_FILE.",
                _variable_name(),
                uniqueItems=True,
            ),
            dependencies=_list(
                "What must be reachable for it to be ready: http://..., https://... or host:port.",
                _text("", maxLength=rules.LONGEST_URL, minLength=1),
                uniqueItems=True,
            ),
            sync_timeout=_number(
                "Seconds after which /run answers 202, and the work goes on.",
                rules.SHORTEST_SYNC_TIMEOUT,
                rules.LONGEST_SYNC_TIMEOUT,
                default=model.DEFAULT_SYNC_TIMEOUT,
            ),
            max_jobs=_integer(
                "How many runs there may be at once.",
                1,
                rules.MOST_JOBS,
                default=model.DEFAULT_MAX_JOBS,
            ),
            registry={
                "description": "The registry that it joins; false for none.",
                "anyOf": [_registry(), {"const": False}],
            },
            base_image=_text(
                "The image with Python and pip that it is built from.",
                pattern=rules.IMAGE,
                default=model.DEFAULT_BASE_IMAGE,
            ),
            slim={
                "description": "Whether the image has nothing but what the agent needs; false "
                "keeps the whole base image.",
                "type": "boolean",
                "default": True,
            },
        ),
    }


def _input() -> Schema:
    return _object(
        ["name", "type"],
        name=_text("", pattern=rules.FIELD_NAME),
        type={"type": "string", "enum": list(rules.TYPES)},
        required={
            "description": "Whether it must be sent; if not given: yes, unless it has a default.",
            "type": "boolean",
        },
        default={
            "description": "What it is when it is not sent, of the type that it has.",
            "not": {"type": "null"},
        },
        description=_described(""),
    )


def _output() -> Schema:
    return _object(
        ["name", "type"],
        name=_text("", pattern=rules.FIELD_NAME),
        type={"type": "string", "enum": list(rules.TYPES)},
        description=_described(""),
    )


def _skill() -> Schema:
    return _object(
        ["id", "name", "description"],
        id=_text("", pattern=rules.SKILL_ID),
        name=_listed(),
        description=_described("What the agent does with it."),
        tags=_names("What to find it by."),
        examples=_list("What one could ask for.", _described("")),
    )


def _variable_name() -> Schema:
    return _text("", pattern=rules.VARIABLE)


def _variable() -> Schema:
    return _object(
        ["name"],
        name=_variable_name(),
        value=_text("What it is when nobody sets it.", maxLength=rules.LONGEST_VALUE),
        description=_described(""),
    )


def _registry() -> Schema:
    return _object(
        [],
        url=_text(
            "http:// or https://, without user, password, query or fragment.",
            pattern=r"https?://[^@?#]+",
            maxLength=rules.LONGEST_URL,
        ),
        ttl_seconds=_integer(
            "How long its lease lasts without a heartbeat.",
            1,
            rules.HIGHEST_TTL_SECONDS,
            default=model.DEFAULT_TTL_SECONDS,
        ),
        heartbeat_interval=_number(
            "Seconds between two heartbeats, at most half of ttl_seconds; if not given, what the "
            "registry asks for.",
            rules.SHORTEST_HEARTBEAT_SECONDS,
            rules.HIGHEST_TTL_SECONDS / 2,
        ),
    )


def _object(mandatory: list[str], /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": mandatory,
        "additionalProperties": False,
    }


def _list(description: str, items: Schema, **more: Any) -> Schema:
    limits = {"type": "array", "items": items, "maxItems": rules.MOST_LISTED}
    return _about(description) | limits | more


def _names(description: str) -> Schema:
    return _list(description, _listed(), uniqueItems=True)


def _listed() -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": rules.LONGEST_LISTED}


def _described(description: str) -> Schema:
    return _text(description, maxLength=rules.LONGEST_DESCRIPTION)


def _text(description: str, *, pattern: str = "", **more: Any) -> Schema:
    # JSON schema looks for a pattern anywhere in the text.
    anchored = {"pattern": f"^(?:{pattern})$"} if pattern else {}
    return _about(description) | {"type": "string"} | anchored | more


def _integer(description: str, lowest: int, highest: int, **more: Any) -> Schema:
    limits = {"type": "integer", "minimum": lowest, "maximum": highest}
    return _about(description) | limits | more


def _number(description: str, lowest: float, highest: float, **more: Any) -> Schema:
    limits = {"type": "number", "minimum": lowest, "maximum": highest}
    return _about(description) | limits | more


def _about(description: str) -> Schema:
    return {"description": description} if description else {}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
