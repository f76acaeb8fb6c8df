"""reference.py makes the JSON schema and the docs' table from these fields."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from deploygen.spec import requirements, rules
from deploygen.spec.fields import (
    LISTED,
    UNLESS_GIVEN,
    Description,
    Labels,
    Part,
    between,
    unique,
    wrong,
)
from deploygen.spec.kinds import (
    AgentId,
    Dependency,
    Handler,
    Image,
    IndexUrl,
    Name,
    Pattern,
    Port,
    Requirement,
    SystemPackage,
    Version,
)
from deploygen.spec.parts import (
    Input,
    Output,
    Registry,
    Skill,
    Step,
    Variable,
    VariableName,
)

SAMPLES: dict[str, Any] = {
    "string": "hello",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
}


class AgentSpec(Part):
    """An agent, as generate_agent makes it."""

    name: Name
    """The name of the agent and its image."""
    description: Description = ""
    """What the agent does."""
    version: Version = "0.1.0"
    """The agent's version, in quotes if it looks like a number."""
    agent_id: AgentId = Field(default_factory=lambda fields: fields["name"])
    """The id in the registry; by default, the name."""
    port: Port = 8000
    """The port that the agent listens on."""
    handler: Handler = "handler:handle"
    """The function that does the work."""
    include: Annotated[list[Pattern], LISTED, unique()] = []
    """Which files beside the spec, and below it, become part of the agent: patterns as in
    .gitignore, without '!'. By default all; hidden files, and files over 100 MB, only if a pattern
    names them."""
    exclude: Annotated[list[Pattern], LISTED, unique()] = []
    """Which of these files do not. It overrides include."""
    inputs: Annotated[list[Input], LISTED, unique("name")] = []
    """What POST /run takes; by default, any JSON object."""
    outputs: Annotated[list[Output], LISTED, unique("name")] = []
    """What the handler returns; by default, any JSON object."""
    skills: Annotated[list[Skill], LISTED, unique("id")] = []
    """The agent's skills. The agent card shows them in full, the registry their ids."""
    tags: Labels = []
    """Labels by which the registry's list can be filtered."""
    traces: bool = False
    """Whether the agent sends traces by OpenTelemetry, as its OTEL_ variables say."""
    requirements: Annotated[list[Requirement], LISTED, unique()] = Field(
        default=[], validate_default=True
    )
    """Packages that the handler needs: names with versions (PEP 508), NAME @ https://..., NAME @
    git+https://...@COMMIT, or ./NAME.whl for a wheel beside the spec."""
    index_url: Annotated[IndexUrl | None, UNLESS_GIVEN] = None
    """The index that replaces PyPI for all packages: https://, without user or password."""
    extra_index_urls: Annotated[list[IndexUrl], LISTED, unique()] = []
    """Further indexes for the requirements, in the same form. pip takes the highest version that it
    finds in any index."""
    pip_config: bool = False
    """Whether the build installs packages with a pip.conf of yours, which it gets as a secret: for
    indexes whose URLs hold a password, for certificates and for other options of pip."""
    system_packages: Annotated[list[SystemPackage], LISTED, unique()] = []
    """Packages of the base image's distribution (Debian, Alpine) that the handler or its
    requirements need, such as libgl1 or ffmpeg."""
    build_steps: Annotated[list[Step], LISTED] = []
    """Commands that fetch or make files while the image is built, such as models: shell commands,
    or objects."""
    environment: Annotated[list[Variable], LISTED, unique("name")] = []
    """Variables that the handler reads: names, or objects."""
    secrets: Annotated[list[VariableName], LISTED, unique()] = []
    """Names of secrets. Their values are set at run time: in the variable NAME, or in a file whose
    path is in NAME_FILE."""
    dependencies: Annotated[list[Dependency], LISTED, unique()] = []
    """Services that must be reachable for readiness: http://..., https://... or host:port."""
    sync_timeout: Annotated[float, between(0.01, 3600, "seconds")] = 30.0
    """Seconds after which POST /run responds with 202 and the run continues as a job."""
    max_jobs: Annotated[int, between(1, 1000)] = 16
    """The maximum number of simultaneous runs."""
    a2a_0_3: bool = True
    """Whether the agent also speaks A2A 0.3."""
    page: bool = False
    """Whether browsers get a page at / to try the agent on; run_agent always has it."""
    registry: Annotated[
        Annotated[Registry, Tag("")] | Annotated[Literal[False], Tag("false")],
        Discriminator(lambda value: "false" if value is False else ""),
    ] = Field(default_factory=Registry)
    """The registry that the agent joins; false for none."""
    base_image: Image = "python:3.13-slim"
    """The base image, with Python and pip."""
    slim: bool = True
    """Whether the image has only what the agent needs; false keeps the whole base image."""
    package_tests: bool = True
    """Whether the requirements keep their folders tests; false leaves them out of the image."""

    @field_validator("requirements")
    @classmethod
    def _add_requirements(cls, listed: list[str], info: ValidationInfo) -> list[str]:
        return [*listed, *requirements.FOR_TRACES] if info.data.get("traces") else listed

    @model_validator(mode="after")
    def _check_together(self) -> "AgentSpec":
        if self.agent_id == self.name and self.name in rules.RESERVED_IDS:
            raise wrong(f"{self.name!r} cannot be an agent's id: give it an agent_id", "name")
        for index, variable in enumerate(self.environment):
            if variable.name in self.secrets:
                problem = f"{variable.name} is one of the secrets as well"
                raise wrong(problem, "environment", index, "name")
            for number, step in enumerate(self.build_steps):
                if variable.name in step.secrets:
                    at = ("build_steps", number, "secrets", step.secrets.index(variable.name))
                    raise wrong(f"{variable.name} is in environment as well", *at)
        return self

    @property
    def handler_module(self) -> str:
        return self.handler.partition(":")[0]

    @property
    def registry_url(self) -> str | None:
        return self.registry.url if self.registry else None

    @property
    def needs_git(self) -> bool:
        return any(map(requirements.is_git, self.requirements))

    @property
    def wheels(self) -> list[str]:
        """By their paths beside the spec."""
        found = map(requirements.WHEEL.fullmatch, self.requirements)
        return [match["path"] for match in found if match]

    @property
    def may_need_credentials(self) -> bool:
        """Packages may come from elsewhere than PyPI."""
        remote = any(map(requirements.is_remote, self.requirements))
        return remote or self.pip_config or bool(self.index_url or self.extra_index_urls)

    @property
    def build_secrets(self) -> list[str]:
        return list(dict.fromkeys(name for step in self.build_steps for name in step.secrets))

    @property
    def needs_buildkit(self) -> bool:
        """Its build may take secrets, which Docker's legacy builder cannot give it."""
        return self.may_need_credentials or bool(self.build_secrets)

    def sample_inputs(self) -> dict[str, Any]:
        if not self.inputs:
            return {"input": "hello"}
        return {item.name: SAMPLES[item.type] for item in self.inputs if item.required}
