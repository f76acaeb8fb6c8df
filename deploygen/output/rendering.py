"""Renders a spec, without side effects, to the same bytes each time."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploygen.output import quoting
from deploygen.output.package import package_files, requirement_files, top_level_names
from deploygen.spec.model import AgentSpec

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "agent_container"
RENDERED_SUFFIX = ".j2"
HANDLER = "handler.py"
# Only for the image, or in agent.json in another form.
NOT_CONFIGURED = {
    "requirements",
    "index_url",
    "extra_index_urls",
    "base_image",
    "slim",
    "environment",
    "registry",
}
SETTINGS = (
    "AGENT_ID",
    "AGENT_HOST",
    "AGENT_PORT",
    "AGENT_PUBLIC_URL",
    "AGENT_TOKENS",
    "AGENT_TOKENS_FILE",
    "AGENT_RATE_PER_ADDRESS",
    "AGENT_MAX_WAITING",
    "AGENT_TRUSTED_PROXIES",
    "AGENT_CORS_ORIGINS",
    "AGENT_DRAIN_SECONDS",
    "AGENT_KEEP_ALIVE_SECONDS",
    "AGENT_LOG_FORMAT",
)
REGISTRY_SETTINGS = (
    "AGENT_REGISTRY_URL",
    "AGENT_TTL_SECONDS",
    "AGENT_HEARTBEAT_SECONDS",
    "AGENT_ENROLMENT_TOKEN",
    "AGENT_ENROLMENT_TOKEN_FILE",
)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class NameTaken(Exception):
    """A module of the author would hide a package of every agent."""


def render(spec: AgentSpec, modules: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return texts by path in the agent's folder. Raises NameTaken.

    `modules`: the author's, texts by file name. If they lack the spec's handler.py, there is one to
    fill in.
    """
    modules = modules or {}
    files = package_files(with_registry=spec.registry_url is not None)
    files |= requirement_files(spec)
    files |= dict(_from_templates(spec, modules))
    if spec.handler_module != "handler" or HANDLER in modules:
        del files[HANDLER]
    taken = top_level_names()
    for name in modules:
        if name.removesuffix(".py").lower() in taken:
            raise NameTaken(f"{name} would hide a package of every agent: give yours another name")
    return dict(sorted({**files, **modules}.items()))


def is_local(registry_url: str) -> bool:
    """Whether it leads to the caller's own machine; in a container, that is the container."""
    return urlsplit(registry_url).hostname in LOOPBACK_HOSTS


def configuration(spec: AgentSpec) -> dict[str, Any]:
    """Return the content of agent.json."""
    config = spec.model_dump(exclude=NOT_CONFIGURED, exclude_none=True)
    config["environment"] = {variable.name: variable.value for variable in spec.environment}
    if spec.registry and spec.registry.url is not None:
        config["extensions"] = [".registry"]
        config["registry"] = spec.registry.model_dump(exclude_none=True)
    return config


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
        "dockerfile": quoting.dockerfile_quoted,
        "markdown": quoting.markdown_escaped,
    }
    return environment


def _from_templates(spec: AgentSpec, modules: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    environment = templates_in(TEMPLATES)
    context = _context(spec, modules)
    for path in sorted(TEMPLATES.iterdir()):
        if path.suffix == RENDERED_SUFFIX:
            yield path.stem, environment.get_template(path.name).render(context)
        else:
            yield path.name, path.read_text(encoding="utf-8")


def _context(spec: AgentSpec, modules: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "spec": spec,
        "config": configuration(spec),
        "settings": SETTINGS if spec.registry_url is None else SETTINGS + REGISTRY_SETTINGS,
        "has_modules": bool(modules),
        "registry_is_local": spec.registry_url is not None and is_local(spec.registry_url),
    }
