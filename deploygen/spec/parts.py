from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from deploygen.spec import rules
from deploygen.spec.fields import (
    LISTED,
    UNLESS_GIVEN,
    Description,
    Label,
    Labels,
    Line,
    Lines,
    Part,
    between,
    matching,
    unique,
    wrong,
)

HIGHEST_TTL_SECONDS = 86_400

Type = Literal["string", "integer", "number", "boolean", "array", "object"]
FieldName = Annotated[
    str,
    matching(
        r"[A-Za-z][A-Za-z0-9_]{0,63}",
        "1 to 64 letters, digits and '_' that begin with a letter",
    ),
]
VariableName = Annotated[
    str,
    matching(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "the name of a variable (A-Z, a-z, 0-9, '_')"),
    AfterValidator(rules.variable),
]
SkillId = Annotated[
    str, matching(r"[A-Za-z0-9._:-]{1,64}", "1 to 64 of A-Z, a-z, 0-9, '.', '_', ':', '-'")
]
RegistryUrl = Annotated[
    str,
    AfterValidator(rules.registry_url),
    Field(json_schema_extra={"pattern": "^https?://[^@?#]+$", "maxLength": rules.LONGEST_URL}),
]
StepFile = Annotated[
    str,
    matching(
        r"(?!.*(^|/)\.\.?(/|$))[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)*",
        "the path of a file or folder beside the spec: A-Z, a-z, 0-9, '_', '.', '-' and '/'",
    ),
    Field(max_length=255),
]
Interval = Annotated[float, between(0.1, HIGHEST_TTL_SECONDS / 2, "seconds")]


class Input(Part):
    """A field of the object that POST /run takes."""

    name: FieldName
    type: Type
    default: Annotated[JsonValue, WithJsonSchema({"not": {"type": "null"}})] = None
    """The value if the field is not sent."""
    required: bool = Field(default_factory=lambda fields: fields.get("default") is None)
    """Whether the field must be sent; by default, true unless it has a default."""
    description: Description = ""

    @field_validator("default")
    @classmethod
    def _check_default(cls, value: Any, info: ValidationInfo) -> Any:
        return rules.value_of_type(value, info.data["type"]) if "type" in info.data else value

    @field_validator("required")
    @classmethod
    def _check_required(cls, required: bool, info: ValidationInfo) -> bool:
        if required and info.data.get("default") is not None:
            raise wrong("what has a default is not required")
        return required


class Output(Part):
    """A field of the object that the handler returns."""

    name: FieldName
    type: Type
    description: Description = ""


class Skill(Part):
    """What the agent can do, for the registry and the agent card (A2A 1.0)."""

    id: SkillId
    name: Label
    description: Description
    """What the agent does with it."""
    tags: Labels = []
    """Keywords."""
    examples: Annotated[list[Description], LISTED] = []
    """Example requests."""


class EnvironmentVariable(Part):
    """A variable that the handler reads. In the file, a name alone is enough."""

    name: VariableName
    value: Annotated[Line | None, UNLESS_GIVEN] = None
    """The default value."""
    description: Description = ""


class Registry(Part):
    """The registry that the agent joins, and its lease there."""

    url: Annotated[RegistryUrl | None, UNLESS_GIVEN] = None
    """http:// or https://, without user, password, query or fragment; by default, the setting
    REGISTRY_URL."""
    ttl_seconds: Annotated[int, between(1, HIGHEST_TTL_SECONDS, "whole seconds")] = 60
    """Seconds that the lease lasts without a heartbeat."""
    heartbeat_interval: Annotated[Interval | None, UNLESS_GIVEN] = None
    """Seconds between two heartbeats, at most half of ttl_seconds; by default a third of it, as the
    registry suggests."""

    @field_validator("heartbeat_interval")
    @classmethod
    def _check_interval(cls, interval: float, info: ValidationInfo) -> float:
        ttl = info.data.get("ttl_seconds")
        if ttl is not None and interval > ttl / 2:
            raise wrong(f"it must be at most half of the TTL, which is {ttl} s, not {interval:g}")
        return interval


class BuildStep(Part):
    """A command of the image's build. In the file, the command alone is enough."""

    run: Annotated[Lines, Field(min_length=1)]
    """A shell command. It runs in /app, with the agent's packages and the values of `environment`;
    what it writes there becomes part of the image."""
    files: Annotated[list[StepFile], LISTED, unique()] = []
    """Files and folders beside the spec that it needs. Only their changes, and those of the
    packages, repeat it."""
    secrets: Annotated[list[VariableName], LISTED, unique()] = []
    """Variables with secrets that only this command has. They are given to the build, and are in no
    layer."""


def _from_command(value: Any) -> Any:
    return {"run": value} if isinstance(value, str) else value


def _from_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Variable = Annotated[
    EnvironmentVariable,
    BeforeValidator(_from_name, json_schema_input_type=VariableName | EnvironmentVariable),
]
Step = Annotated[
    BuildStep,
    BeforeValidator(_from_command, json_schema_input_type=Lines | BuildStep),
]
