import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from environ import Env

from deploygen.local.registry import Registry, choose_registry
from deploygen.local.requirements import local_requirements
from deploygen.output.content import Content
from deploygen.output.package import WHEELS, package_files
from deploygen.output.rendering import configuration, is_local
from deploygen.project.checks import check_project
from deploygen.project.files import FilesError, find_files
from deploygen.project.scaffold import BELOW_THE_SPEC
from deploygen.spec.errors import SpecError
from deploygen.spec.file import SpecFile, SpecFileError, read_spec
from deploygen.spec.model import AgentSpec

VARIABLES_FILE = ".env"
LOCAL_HOST = "localhost"
LOG_FORMAT = "AGENT_LOG_FORMAT"
LABELS = {"port": "--port", "registry.url": "--registry-url"}


class AgentError(Exception):
    pass


class OptionError(Exception):
    pass


@dataclass(frozen=True)
class Options:
    """`registry`: a URL, False for none, None if not given. `python`: has the packages already."""

    default_registry: str
    listen: str = "127.0.0.1"
    registry: str | bool | None = None
    port: int | None = None
    python: Path | None = None


@dataclass(frozen=True)
class LocalAgent:
    """`requirements`: files by path. The terminal's `variables` win.

    `first_notes` are not repeated after a change.
    """

    spec: AgentSpec
    registry: Registry
    requirements: Mapping[str, Content]
    listen: str
    first_notes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def write_files(self, folder: Path) -> None:
        files = package_files(
            with_registry=self.registry.url is not None,
            with_traces=self.spec.traces,
            with_page=True,
        )
        config = configuration(self.spec) | {"listen": self.listen}
        files["agent.json"] = json.dumps(config, indent=2)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")


def read_agent(path: Path, options: Options) -> LocalAgent:
    """Raises AgentError, OptionError."""
    try:
        source = read_spec(path)
        registry = _registry(source, options)
        spec = _spec(source, registry, options)
        wheels, notes = _check(source, spec)
        locked, lock_notes = local_requirements(spec, path.parent)
    except (SpecFileError, FilesError, OSError, UnicodeDecodeError) as error:
        raise AgentError(str(error)) from error
    return LocalAgent(
        spec,
        registry,
        {**locked, **{f"{WHEELS}/{name}": content for name, content in wheels.items()}},
        options.listen,
        first_notes=[registry.note, *lock_notes, *_left_out(spec)],
        notes=notes,
        variables=_variables(path.parent, registry),
    )


def _left_out(spec: AgentSpec) -> list[str]:
    notes = []
    if spec.build_steps:
        notes.append("does not run its build_steps: only docker build does")
    if spec.system_packages:
        packages = ", ".join(spec.system_packages)
        notes.append(f"does not install packages of the system, which it needs: {packages}")
    return notes


def _registry(source: SpecFile, options: Options) -> Registry:
    if options.registry is False:
        return Registry(None, "joins no registry")
    if isinstance(options.registry, str):
        return Registry(options.registry, f"joins the registry at {options.registry}")
    return choose_registry(source.registry, options.default_registry)


def _spec(source: SpecFile, registry: Registry, options: Options) -> AgentSpec:
    fields: dict[str, object] = {"page": True}
    if options.port is not None:
        fields["port"] = options.port
    if registry.url is None:
        fields["registry"] = False
    else:
        fields["registry.url"] = registry.url
    try:
        return source.spec(fields)
    except SpecError as error:
        problems = [f"{LABELS[each.field]}: {each.text}" for each in error.problems]
        raise OptionError("\n".join(problems)) from error


def _check(source: SpecFile, spec: AgentSpec) -> tuple[dict[str, bytes], list[str]]:
    """Return wheels and notes. A handler that cannot be called is only a note."""
    folder = source.path.parent
    found = find_files(source.path, spec, folder / BELOW_THE_SPEC)
    wheels, problems = check_project(folder, spec, found)
    if not problems:
        return wheels, found.notes
    error = source.located(SpecError(problems))
    if any(problem.field != "handler" for problem in problems):
        raise error
    # The agent starts anyway, to show the traceback.
    return wheels, [*found.notes, str(error)]


def _variables(folder: Path, registry: Registry) -> dict[str, str]:
    variables = {LOG_FORMAT: "text"}
    if registry.url is not None and is_local(registry.url):
        variables["AGENT_HOST"] = LOCAL_HOST
    return variables | _read_variables(folder / VARIABLES_FILE)


def _read_variables(path: Path) -> dict[str, str]:
    class Reader(Env):  # type: ignore[misc]  # has no types
        ENVIRON: ClassVar[dict[str, str]] = {}

    if path.is_file():
        Reader.read_env(path)
    return Reader.ENVIRON
