import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from environ import Env

from deploygen.local.registry import Registry, choose_registry
from deploygen.output.content import Content
from deploygen.output.package import WHEELS, package_files, requirement_files
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
    registry: str | bool | None = None
    port: int | None = None
    python: Path | None = None


@dataclass(frozen=True)
class LocalAgent:
    """`requirements`: files by path. The terminal's `variables` win."""

    spec: AgentSpec
    registry: Registry
    requirements: Mapping[str, Content]
    notes: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def write_files(self, folder: Path) -> None:
        files = package_files(
            with_registry=self.registry.url is not None,
            with_traces=self.spec.traces,
            with_page=True,
        )
        files["agent.json"] = json.dumps(configuration(self.spec), indent=2)
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
    except (SpecFileError, FilesError, OSError, UnicodeDecodeError) as error:
        raise AgentError(str(error)) from error
    requirements = requirement_files(spec, {}) | {f"{WHEELS}/{k}": v for k, v in wheels.items()}
    return LocalAgent(spec, registry, requirements, notes, _variables(path.parent, registry))


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
        ENVIRON: ClassVar[dict[str, str]] = {}  # instead of os.environ

    if path.is_file():
        Reader.read_env(path)
    return Reader.ENVIRON
