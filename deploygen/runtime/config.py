import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationError, field_validator

from .port import port_variable

CONFIG_FILE = "agent.json"
VARIABLES = {
    "agent_id": "AGENT_ID",
    "drain_seconds": "AGENT_DRAIN_SECONDS",
    "image_digest": "AGENT_IMAGE_DIGEST",
    "keep_alive_seconds": "AGENT_KEEP_ALIVE_SECONDS",
    "listen": "AGENT_LISTEN",
    "max_result_bytes": "AGENT_MAX_RESULT_BYTES",
}
# More is a mistake, such as milliseconds.
LONGEST_SECONDS = 86_400
LARGEST_RESULT_BYTES = 16 * 1024 * 1024

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]
Model = TypeVar("Model", bound=BaseModel)


class ConfigError(Exception):
    """The message names the file or variable."""


class Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class Declared(Part):
    """An input, or an output, which is always required."""

    name: Annotated[str, Field(min_length=1)]
    type: JsonType
    description: str = ""
    required: bool = True
    default: Any = None  # no type includes null

    @property
    def must_be_sent(self) -> bool:
        return self.required and self.default is None


class Skill(Part):
    id: Annotated[str, Field(min_length=1)]
    name: str
    description: str
    tags: list[str] = []
    examples: list[str] = []


class AgentConfig(Part):
    """`model_extra` has the fields of extensions."""

    model_config = ConfigDict(extra="allow")

    name: str
    agent_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,255}$")]
    port: Annotated[int, Field(ge=1, le=65535)]
    # An address; "" for all.
    listen: str = ""
    description: str = ""
    version: str = "0.1.0"
    # Known only when the container starts.
    image_digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    handler: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")] = "handler:handle"
    inputs: list[Declared] = []
    outputs: list[Declared] = []
    skills: list[Skill] = []
    tags: list[str] = []
    environment: dict[str, str | None] = {}
    secrets: list[str] = []
    dependencies: list[str] = []
    sync_timeout: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 30.0
    a2a_0_3: bool = True
    max_jobs: Annotated[int, Field(ge=1, le=1000)] = 16
    # Of a result, or all pieces of a stream.
    max_result_bytes: Annotated[int, Field(ge=1024, le=2**30)] = LARGEST_RESULT_BYTES
    # For running requests after SIGTERM. `docker stop` kills after 10 s.
    drain_seconds: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 7.0
    # Longer than load balancers keep connections.
    keep_alive_seconds: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 75.0
    page: bool = False
    extensions: list[str] = []
    # Not copied: secrets are added.
    environ: SkipValidation[MutableMapping[str, str]]

    @property
    def build(self) -> dict[str, str]:
        digest = {"image_digest": self.image_digest} if self.image_digest else {}
        return {"version": self.version} | digest

    @field_validator("inputs", "outputs")
    @classmethod
    def _check_names(cls, declared: list[Declared]) -> list[Declared]:
        if len({each.name for each in declared}) < len(declared):
            raise ValueError("a name occurs twice")
        return declared


def read_config(folder: Path, environ: MutableMapping[str, str]) -> AgentConfig:
    """Raises ConfigError."""
    path = folder / CONFIG_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold a JSON object")
    variables = VARIABLES | {"port": port_variable(document.get("port"), environ)}
    return validated(AgentConfig, {**document, "environ": environ}, variables, environ, str(path))


def validated(
    model: type[Model],
    values: Mapping[str, Any],
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    where: str,
) -> Model:
    """`variables`, by field, override the `values` from `where`. Raises ConfigError."""
    overriding = {
        field: environ[name]
        if model.model_fields[field].annotation is str
        else _json(environ[name])
        for field, name in variables.items()
        if environ.get(name)
    }
    try:
        return model.model_validate({**values, **overriding})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    name = variables[field] if field in overriding else f"{where}: {field}"
    raise ConfigError(f"{name}: {first['msg']}; it is {first['input']!r:.60}")


def _json(text: str) -> Any:
    """What is not JSON is refused later."""
    try:
        return json.loads(text)
    except ValueError:
        return text
