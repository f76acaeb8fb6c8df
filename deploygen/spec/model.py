"""What a generated agent is to be: the one description that the generator works from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploygen.spec import rules
from deploygen.spec.rules import SpecError

__all__ = ["AgentSpec", "EnvironmentVariable", "Input", "Output", "Skill", "SpecError"]

DEFAULT_HANDLER = "handler:handle"
DEFAULT_PORT = 8000
DEFAULT_TTL_SECONDS = 60
DEFAULT_VERSION = "0.1.0"
DEFAULT_SYNC_TIMEOUT = 30.0
DEFAULT_MAX_JOBS = 16
DEFAULT_BASE_IMAGE = "python:3.13-slim"
SAMPLES: dict[str, Any] = {
    "string": "hello",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
}


@dataclass(frozen=True)
class Input:
    """A field of the object that is sent to /run. `type` is one of TYPES; a `default` of None is
    none, and only what is not `required` may have one."""

    name: str
    type: str
    required: bool = True
    default: Any = None
    description: str = ""


@dataclass(frozen=True)
class Output:
    """A field of the object that the handler returns."""

    name: str
    type: str
    description: str = ""


@dataclass(frozen=True)
class Skill:
    """What the agent can do, as the registry and the agent card (A2A 1.0) tell it."""

    id: str
    name: str
    description: str
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentVariable:
    """A variable that the handler reads; `value` is what it has when nobody sets it."""

    name: str
    value: str | None = None
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class AgentSpec:
    """Raises SpecError when a field has a value that it cannot have.

    `registry_url` None: the agent has nothing to do with a registry. `heartbeat_interval`, in
    seconds, None: the one that the registry asks for, a third of the TTL. `agent_id` empty: the
    name. Without `inputs`, /run takes any JSON object. `secrets` are names, whose values come at
    run time.
    """

    name: str
    registry_url: str | None = None
    agent_id: str = ""
    description: str = ""
    version: str = DEFAULT_VERSION
    port: int = DEFAULT_PORT
    handler: str = DEFAULT_HANDLER
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    skills: tuple[Skill, ...] = ()
    tags: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    environment: tuple[EnvironmentVariable, ...] = ()
    secrets: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    sync_timeout: float = DEFAULT_SYNC_TIMEOUT
    max_jobs: int = DEFAULT_MAX_JOBS
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    heartbeat_interval: float | None = None
    base_image: str = DEFAULT_BASE_IMAGE
    slim: bool = True

    def __post_init__(self) -> None:
        rules.check_name(self.name)
        if not self.agent_id:
            object.__setattr__(self, "agent_id", self.name)
        id_field = "name" if self.agent_id == self.name else "agent_id"
        rules.check_agent_id(id_field, self.agent_id)
        _check_description("description", self.description)
        if not rules.matches(rules.VERSION, self.version):
            raise SpecError("version", f"it must be like 1.2.0 or 2026.7-rc1, not {self.version!r}")
        rules.check_port(self.port)
        rules.check_handler(self.handler)
        _check_fields("inputs", self.inputs)
        _check_fields("outputs", self.outputs)
        _check_skills(self.skills)
        _check_lists(self)
        _check_environment(self.environment, self.secrets)
        rules.check_sync_timeout(self.sync_timeout)
        object.__setattr__(self, "sync_timeout", float(self.sync_timeout))
        rules.check_jobs(self.max_jobs)
        if not rules.matches(rules.IMAGE, self.base_image):
            problem = f"it must be an image such as {DEFAULT_BASE_IMAGE}, not {self.base_image!r}"
            raise SpecError("base_image", problem)
        if not isinstance(self.slim, bool):
            raise SpecError("slim", f"it must be true or false, not {self.slim!r}")
        rules.check_lease(self.ttl_seconds, self.heartbeat_interval)
        if self.registry_url is not None:
            rules.check_registry_url(self.registry_url)
            object.__setattr__(self, "registry_url", self.registry_url.rstrip("/"))

    @property
    def handler_module(self) -> str:
        return self.handler.partition(":")[0]

    def sample_inputs(self) -> dict[str, Any]:
        """Return inputs that a run takes, to show how it is called."""
        if not self.inputs:
            return {"input": "hello"}
        return {item.name: SAMPLES[item.type] for item in self.inputs if item.required}


def _check_description(field: str, description: str) -> None:
    rules.check_text(field, description, longest=rules.LONGEST_DESCRIPTION, lines=True)


def _check_fields(field: str, fields: Sequence[Input | Output]) -> None:
    rules.check_list(field, fields)
    for index, item in enumerate(fields):
        path = f"{field}[{index}]"
        if not rules.matches(rules.FIELD_NAME, item.name):
            problem = f"it must begin with a letter and have letters, digits, '_': {item.name!r}"
            raise SpecError(f"{path}.name", problem)
        if item.type not in rules.TYPES:
            problem = f"it must be one of {', '.join(rules.TYPES)}, not {item.type!r}"
            raise SpecError(f"{path}.type", problem)
        _check_description(f"{path}.description", item.description)
        if isinstance(item, Input):
            _check_default(path, item)
    rules.check_different(field, [item.name for item in fields], ".name")


def _check_default(path: str, item: Input) -> None:
    if not isinstance(item.required, bool):
        raise SpecError(f"{path}.required", f"it must be true or false, not {item.required!r}")
    if item.default is None:
        return
    if item.required:
        raise SpecError(f"{path}.required", "what has a default is not required")
    rules.check_value(f"{path}.default", item.default, item.type)


def _check_skills(skills: tuple[Skill, ...]) -> None:
    rules.check_list("skills", skills)
    for index, skill in enumerate(skills):
        path = f"skills[{index}]"
        if not rules.matches(rules.SKILL_ID, skill.id):
            problem = f"it must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':', '-', not {skill.id!r}"
            raise SpecError(f"{path}.id", problem)
        rules.check_listed(f"{path}.name", skill.name)
        _check_description(f"{path}.description", skill.description)
        _check_names(f"{path}.tags", skill.tags)
        rules.check_list(f"{path}.examples", skill.examples)
        for number, example in enumerate(skill.examples):
            _check_description(f"{path}.examples[{number}]", example)
    rules.check_different("skills", [skill.id for skill in skills], ".id")


def _check_lists(spec: AgentSpec) -> None:
    _check_names("tags", spec.tags)
    for field, check in (
        ("requirements", rules.check_requirement),
        ("dependencies", rules.check_dependency),
        ("secrets", rules.check_variable),
    ):
        values: tuple[str, ...] = getattr(spec, field)
        rules.check_list(field, values)
        for index, value in enumerate(values):
            check(f"{field}[{index}]", value)
        rules.check_different(field, values)


def _check_names(field: str, names: tuple[str, ...]) -> None:
    rules.check_list(field, names)
    for index, name in enumerate(names):
        rules.check_listed(f"{field}[{index}]", name)
    rules.check_different(field, names)


def _check_environment(
    environment: tuple[EnvironmentVariable, ...], secrets: tuple[str, ...]
) -> None:
    rules.check_list("environment", environment)
    for index, variable in enumerate(environment):
        path = f"environment[{index}]"
        rules.check_variable(f"{path}.name", variable.name)
        if variable.value is not None:
            rules.check_text(f"{path}.value", variable.value, longest=rules.LONGEST_VALUE)
        _check_description(f"{path}.description", variable.description)
        if variable.name in secrets:
            raise SpecError(f"{path}.name", f"{variable.name} is one of the secrets as well")
    rules.check_different("environment", [variable.name for variable in environment], ".name")
