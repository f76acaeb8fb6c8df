"""From a spec to the files of an agent: pure, and always the same bytes for the same spec.

What ends in .j2 is rendered; everything else is copied as it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploygen import quoting
from deploygen.spec import AgentSpec, Input

PACKAGE = Path(__file__).resolve().parent
TEMPLATES = PACKAGE.parent / "templates" / "agent_container"
RUNTIME = PACKAGE / "runtime"
# Scripts that build the image; they are no part of the agent.
IMAGE = PACKAGE / "image"
IMAGE_FOLDER = "build"
RENDERED_SUFFIX = ".j2"
COMPILED = "__pycache__"

HANDLER = "handler.py"
LOCK = "requirements.txt"
OWN_REQUIREMENTS = "requirements-agent.txt"
# The versions of the lock without its hashes: pip would ask for those of everything else, too.
CONSTRAINTS = "constraints.txt"
# The modules that are only in agents that register themselves.
REGISTRY_FILES = frozenset(
    {
        "registration.py",
        "registry_settings.py",
        "registry_client.py",
        "registry_http.py",
        "pacing.py",
        "loop_lag.py",
    }
)
# The variables that set an agent, as README.md explains them; then those of its registration.
SETTINGS = (
    *("AGENT_ID", "AGENT_HOST", "AGENT_PORT", "AGENT_PUBLIC_URL"),
    *("AGENT_DRAIN_SECONDS", "AGENT_LOG_FORMAT"),
)
REGISTRY_SETTINGS = (
    *("AGENT_REGISTRY_URL", "AGENT_TTL_SECONDS", "AGENT_HEARTBEAT_SECONDS"),
    *("AGENT_ENROLMENT_TOKEN", "AGENT_ENROLMENT_TOKEN_FILE"),
)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
PINNED = re.compile(r"(?m)^([A-Za-z0-9][^\s;]*==[^\s;\\]+(?:\s*;[^\\\n]*?)?)\s*\\?$")


class NameTaken(Exception):
    """A module of the developer has the name of something that every agent has."""


def render(spec: AgentSpec, modules: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the text of each file of the agent, by its path in the agent's folder.

    `modules` are the developer's, texts by file names, and come along as they are. Without one
    that has the handler, there is a handler.py to fill in; but none when the handler is to be in
    another module. Raises NameTaken.
    """
    modules = modules or {}
    files = dict(_copied(spec))
    if spec.handler_module != "handler" or HANDLER in modules:
        del files[HANDLER]
    environment = _environment()
    context = _context(spec, modules)
    for path, name in _files_below(TEMPLATES):
        if path.suffix == RENDERED_SUFFIX:
            template = environment.get_template(name)
            files[name.removesuffix(RENDERED_SUFFIX)] = template.render(context)
        else:
            files[name] = path.read_text(encoding="utf-8")
    # Those of the registry too: the agent may join one later. A folder hides a module.
    taken = {*files, *REGISTRY_FILES, f"{IMAGE_FOLDER}.py"}
    packages = _packages()
    for name in modules:
        if name in taken:
            raise NameTaken(f"{name} is taken by every agent itself: give yours another name")
        if name.removesuffix(".py").lower() in packages:
            raise NameTaken(f"{name} would hide a package of every agent: give yours another name")
    return dict(sorted({**files, **modules}.items()))


def is_local(registry_url: str) -> bool:
    """Whether the URL leads to the machine that uses it: inside a container, to the container."""
    return urlsplit(registry_url).hostname in LOOPBACK_HOSTS


def configuration(spec: AgentSpec) -> dict[str, Any]:
    """Return what agent.json holds: all that the runtime has to know of the spec."""
    config: dict[str, Any] = {
        "name": spec.name,
        "agent_id": spec.agent_id,
        "description": spec.description,
        "version": spec.version,
        "port": spec.port,
        "handler": spec.handler,
        "inputs": [_input(item) for item in spec.inputs],
        "outputs": [
            {"name": item.name, "type": item.type, "description": item.description}
            for item in spec.outputs
        ],
        "skills": [
            {
                "id": skill.id,
                "name": skill.name,
                "description": skill.description,
                "tags": list(skill.tags),
                "examples": list(skill.examples),
            }
            for skill in spec.skills
        ],
        "tags": list(spec.tags),
        "environment": {variable.name: variable.value for variable in spec.environment},
        "secrets": list(spec.secrets),
        "dependencies": list(spec.dependencies),
        "sync_timeout": spec.sync_timeout,
        "max_jobs": spec.max_jobs,
    }
    if spec.registry_url is not None:
        config["extensions"] = ["registration"]
        config["registry"] = {
            "url": spec.registry_url,
            "ttl_seconds": spec.ttl_seconds,
            "heartbeat_interval": spec.heartbeat_interval,
        }
    return config


def _input(item: Input) -> dict[str, Any]:
    described = {"name": item.name, "type": item.type, "required": item.required}
    default = {} if item.default is None else {"default": item.default}
    return {**described, **default, "description": item.description}


def _packages() -> frozenset[str]:
    """Return the names under which the packages of the lock are imported, as theirs tell them."""
    pins = PINNED.findall((RUNTIME / LOCK).read_text(encoding="utf-8"))
    names = {pin.partition("==")[0].lower().replace("-", "_") for pin in pins}
    return frozenset({*names, *(name.removesuffix("_api") for name in names)})


def _copied(spec: AgentSpec) -> Iterator[tuple[str, str]]:
    for path in RUNTIME.glob("*.py"):
        if spec.registry_url is not None or path.name not in REGISTRY_FILES:
            yield path.name, path.read_text(encoding="utf-8")
    lock = (RUNTIME / LOCK).read_text(encoding="utf-8")
    yield LOCK, lock
    if spec.requirements:
        yield OWN_REQUIREMENTS, "".join(f"{line}\n" for line in spec.requirements)
        yield CONSTRAINTS, "".join(f"{pin.strip()}\n" for pin in PINNED.findall(lock))
    for path, name in _files_below(IMAGE):
        yield f"{IMAGE_FOLDER}/{name}", path.read_text(encoding="utf-8")


def _files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file with its path in the folder; of what Python compiled, nothing."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and COMPILED not in path.parts:
            yield path, path.relative_to(folder).as_posix()


def _context(spec: AgentSpec, modules: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "spec": spec,
        "config": configuration(spec),
        "settings": SETTINGS if spec.registry_url is None else SETTINGS + REGISTRY_SETTINGS,
        # Whether the handler is a copy of what is beside the spec, and not here to be filled in.
        "has_modules": bool(modules),
        "registry_is_local": spec.registry_url is not None and is_local(spec.registry_url),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML; each value goes through the filter of its place
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "json": quoting.json_text,
        "json_line": json.dumps,
        "yaml": quoting.yaml_flow,
        "dockerfile": quoting.dockerfile_quoted,
        "markdown": quoting.markdown_escaped,
    }
    return environment
