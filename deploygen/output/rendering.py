import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploygen.output import build_secrets, quoting
from deploygen.output.content import Content
from deploygen.output.package import (
    CONSTRAINTS,
    LOCK,
    OWN_REQUIREMENTS,
    PACKAGE,
    WHEELS,
    package_files,
    requirement_files,
)
from deploygen.output.transaction import MARKER
from deploygen.output.variables import variables_of
from deploygen.spec.model import AgentSpec

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "agent_container"
RENDERED_SUFFIX = ".j2"
HANDLER = "handler.py"
CONFIGURATION = "agent.json"
USUAL_SPEC = "agent.yaml"
# For the image only, or in another form.
NOT_CONFIGURED = {
    "requirements",
    "index_url",
    "extra_index_urls",
    "pip_config",
    "system_packages",
    "base_image",
    "slim",
    "package_tests",
    "include",
    "exclude",
    "build_steps",
    "environment",
    "registry",
    "traces",
}
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


Files = TypeVar("Files", bound=Content)


def _own_names() -> frozenset[str]:
    templates = {path.name.removesuffix(RENDERED_SUFFIX) for path in TEMPLATES.iterdir()}
    others = {PACKAGE, LOCK, OWN_REQUIREMENTS, CONSTRAINTS, WHEELS, MARKER}
    return frozenset(templates | others) - {HANDLER}


# The author's files cannot have these names.
OWN_NAMES = _own_names()


def render(
    spec: AgentSpec,
    files: Mapping[str, Files] | None = None,
    lock: Mapping[str, str] | None = None,
) -> dict[str, str | Files]:
    """Return contents by path, always the same bytes.

    `files`: the author's, also returned; a missing handler is added. `lock`: texts by path; without
    it, the build chooses versions.
    """
    authors, lock = files or {}, lock or {}
    own = package_files(
        with_registry=spec.registry_url is not None,
        with_traces=spec.traces,
        with_page=spec.page,
    )
    own |= requirement_files(spec, lock)
    own |= dict(_from_templates(_context(spec, authors, lock)))
    if not needs_handler(spec, authors):
        del own[HANDLER]
    contents: dict[str, str | Files] = {**own, **authors}
    return dict(sorted(contents.items()))


def needs_handler(spec: AgentSpec, files: Iterable[str]) -> bool:
    package = HANDLER.removesuffix(".py")
    is_there = any(path == HANDLER or path.startswith(f"{package}/") for path in files)
    return spec.handler_module == package and not is_there


def is_local(registry_url: str) -> bool:
    return urlsplit(registry_url).hostname in LOOPBACK_HOSTS


def configuration(spec: AgentSpec) -> dict[str, Any]:
    config = spec.model_dump(exclude=NOT_CONFIGURED, exclude_none=True)
    config["environment"] = {variable.name: variable.value for variable in spec.environment}
    if spec.registry and spec.registry.url is not None:
        config["extensions"] = [".registry"]
        config["registry"] = spec.registry.model_dump(exclude_none=True)
    if spec.traces:
        config["extensions"] = [*config.get("extensions", []), ".tracing"]
    return config


@cache
def templates_in(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - not HTML; each value has a filter
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "json": quoting.json_text,
        "json_line": json.dumps,
        "yaml": quoting.yaml_flow,
        "shell": shlex.quote,
        "shell_option": quoting.shell_option,
        "dockerignore": quoting.dockerignore_escaped,
        "dockerfile": quoting.dockerfile_quoted,
        "step": build_secrets.step_command,
        "markdown": quoting.markdown_escaped,
    }
    return environment


def _from_templates(context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    environment = templates_in(TEMPLATES)
    for path in sorted(TEMPLATES.iterdir()):
        if path.suffix == RENDERED_SUFFIX:
            yield path.stem, environment.get_template(path.name).render(context)
        else:
            yield path.name, path.read_text(encoding="utf-8")


def _context(spec: AgentSpec, files: Iterable[str], lock: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "spec": spec,
        "config": configuration(spec),
        "settings": variables_of(spec),
        "is_locked": bool(lock),
        "build_secrets": build_secrets.names(spec),
        "secret_options": "".join(f"{each} " for each in build_secrets.required_options(spec)),
        "handler_file": handler_file(spec, files),
        # .dockerignore would leave them out.
        "unusual_files": sorted(filter(_is_unusual, files)),
        "registry_is_local": spec.registry_url is not None and is_local(spec.registry_url),
    }


def handler_file(spec: AgentSpec, files: Iterable[str]) -> str | None:
    path = spec.handler_module.replace(".", "/")
    return next((each for each in (f"{path}.py", f"{path}/__init__.py") if each in files), None)


def _is_unusual(path: str) -> bool:
    return path == USUAL_SPEC or any(part.startswith(".") for part in path.split("/"))
