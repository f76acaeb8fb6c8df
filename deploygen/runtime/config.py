"""The agent's configuration: agent.json, which variables of the environment override."""

import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationError, field_validator

from .port import port_variable

CONFIG_FILE = "agent.json"
# And that of the port: see port.py.
VARIABLES = {
    "agent_id": "AGENT_ID",
    "drain_seconds": "AGENT_DRAIN_SECONDS",
    "keep_alive_seconds": "AGENT_KEEP_ALIVE_SECONDS",
}
# Longer is a mistake, such as milliseconds, and more than a thread can wait.
LONGEST_SECONDS = 86_400

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]
Model = TypeVar("Model", bound=BaseModel)


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file or the variable."""


class Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class Declared(Part):
    """One input, or one output; an output is always required."""

    name: Annotated[str, Field(min_length=1)]
    type: JsonType
    description: str = ""
    required: bool = True
    # None: it has none. No type has null among its values.
    default: Any = None

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
    """agent.json. What it has beyond these fields is in `model_extra`, for the extensions."""

    model_config = ConfigDict(extra="allow")

    name: str
    agent_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,255}$")]
    port: Annotated[int, Field(ge=1, le=65535)]
    description: str = ""
    version: str = "0.1.0"
    # module:function, where the module may be in a package.
    handler: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")] = "handler:handle"
    inputs: list[Declared] = []
    outputs: list[Declared] = []
    skills: list[Skill] = []
    tags: list[str] = []
    # The variables of the handler, with the value that each has when nobody sets it.
    environment: dict[str, str | None] = {}
    secrets: list[str] = []
    dependencies: list[str] = []
    # How long the caller of POST /run waits for the result, before it gets the id of a job.
    sync_timeout: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 30.0
    max_jobs: Annotated[int, Field(ge=1, le=1000)] = 16
    # How long running requests may go on after SIGTERM. With what follows, it is less than the ten
    # seconds after which `docker stop` kills.
    drain_seconds: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 7.0
    # How long a connection stays open between two requests: longer than a load balancer keeps its
    # own, commonly 60 seconds, so that the agent never closes one that it is about to use.
    keep_alive_seconds: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] = 75.0
    # Modules that are started with the server: see extensions.py.
    extensions: list[str] = []
    # Of the process: the same object, since secrets are put into it.
    environ: SkipValidation[MutableMapping[str, str]]

    @field_validator("inputs", "outputs")
    @classmethod
    def _check_names(cls, declared: list[Declared]) -> list[Declared]:
        if len({each.name for each in declared}) < len(declared):
            raise ValueError("a name occurs twice")
        return declared


def read_config(folder: Path, environ: MutableMapping[str, str]) -> AgentConfig:
    """Read ``folder``/agent.json. Raises ConfigError."""
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
    """Make a model of the `values` from the place `where`.

    `variables` are the fields that variables override; an empty variable counts as unset. Raises
    ConfigError.
    """
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
    """Return the number that a variable holds; its text if it holds none, which is then refused."""
    try:
        return json.loads(text)
    except ValueError:
        return text
