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

from deploygen.spec import AgentSpec

PACKAGE = Path(__file__).resolve().parent
TEMPLATES = PACKAGE.parent / "templates" / "agent_container"
RUNTIME = PACKAGE / "runtime"
RENDERED_SUFFIX = ".j2"

RUNTIME_FILES = (
    "server.py",
    "lifecycle.py",
    "agent_config.py",
    "extensions.py",
    "handler_runner.py",
    "handler.py",
    "healthcheck.py",
    "requirements.txt",
)
# Only in agents that register themselves.
REGISTRY_FILES = (
    "registration.py",
    "registry_settings.py",
    "registry_client.py",
    "registry_http.py",
    "pacing.py",
    "loop_lag.py",
)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def render(spec: AgentSpec) -> dict[str, str]:
    """Return the text of each file of the agent, by its path in the agent's folder."""
    files = dict(_copied(spec.registry_url is not None))
    environment = _environment()
    context = _context(spec)
    for path in sorted(TEMPLATES.rglob("*")):
        name = path.relative_to(TEMPLATES).as_posix()
        if path.is_dir():
            continue
        if path.suffix == RENDERED_SUFFIX:
            template = environment.get_template(name)
            files[name.removesuffix(RENDERED_SUFFIX)] = template.render(context)
        else:
            files[name] = path.read_text(encoding="utf-8")
    return dict(sorted(files.items()))


def is_local(registry_url: str) -> bool:
    """Whether the URL leads to the machine that uses it: inside a container, to the container."""
    return urlsplit(registry_url).hostname in LOOPBACK_HOSTS


def dockerfile_quoted(text: str) -> str:
    """Return `text` as one double-quoted word of a Dockerfile, on one line."""
    escaped = re.sub(r'(["\\$])', r"\\\1", " ".join(text.split()))
    return f'"{escaped}"'


def markdown_escaped(text: str) -> str:
    """Return `text` as plain text of Markdown, on one line: neither markup nor HTML."""
    return re.sub(r"([\\`*_\[\]<>#|~&!$])", r"\\\1", " ".join(text.split()))


def _copied(registers: bool) -> Iterator[tuple[str, str]]:
    for name in RUNTIME_FILES + (REGISTRY_FILES if registers else ()):
        yield name, (RUNTIME / name).read_text(encoding="utf-8")


def _context(spec: AgentSpec) -> Mapping[str, Any]:
    config: dict[str, Any] = {
        "name": spec.name,
        "agent_id": spec.agent_id,
        "description": spec.description,
        "port": spec.port,
    }
    if spec.registry_url is not None:
        config["extensions"] = ["registration"]
        config["registry"] = {
            "url": spec.registry_url,
            "ttl_seconds": spec.ttl_seconds,
            "heartbeat_interval": spec.heartbeat_interval,
        }
    return {
        "spec": spec,
        "config": config,
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
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    environment.filters["dockerfile"] = dockerfile_quoted
    environment.filters["markdown"] = markdown_escaped
    return environment
