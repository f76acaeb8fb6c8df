from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploygen.project.scaffold import (
    BELOW_THE_SPEC,
    DEFAULT_TEMPLATE,
    SPEC_FILE,
    template_names,
)
from deploygen.spec.model import AgentSpec
from deploygen.spec.parts import Registry

FIELDS = {
    "agent_id": "agent_id",
    "description": "description",
    "port": "port",
    "ttl": "registry.ttl_seconds",
    "heartbeat_interval": "registry.heartbeat_interval",
    "registry_url": "registry.url",
}
LEASE = ("ttl", "heartbeat_interval")
OTHERS = ("no_registry", "output", "no_lock", "upgrade", "force", "dry_run", "build")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="SPEC_OR_NAME",
        nargs="?",
        help="an agent.yaml with its modules beside it, or only a name for the agent and its "
        "image. The options below override the file",
    )
    parser.add_argument(
        "--init",
        type=Path,
        metavar="DIR",
        help=f"only write a commented {SPEC_FILE} and its handler into DIR, to start from",
    )
    parser.add_argument(
        "--template",
        choices=template_names(),
        help=f"with --init, what to start from (default: {DEFAULT_TEMPLATE})",
    )
    _add_fields(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help=f"the folder to write (default: ./NAME; ./NAME/{BELOW_THE_SPEC} if the spec is "
        "in ./NAME)",
    )
    locks = parser.add_mutually_exclusive_group()
    locks.add_argument(
        "--no-lock",
        action="store_true",
        help="let the build of the image choose the versions of the requirements",
    )
    locks.add_argument(
        "--upgrade",
        action="store_true",
        help="choose their newest versions again, instead of those that the folder has",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="overwrite what was changed in the folder; a handler.py to fill in is kept",
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
    parser.add_argument("--build", action="store_true", help="build the image too, by docker build")


def _add_fields(parser: ArgumentParser) -> None:
    port, ttl = AgentSpec.model_fields["port"].default, Registry.model_fields["ttl_seconds"].default
    registry = parser.add_mutually_exclusive_group()
    registry.add_argument(
        "--registry-url",
        metavar="URL",
        help="the registry that it joins (default: this one, by its setting REGISTRY_URL)",
    )
    registry.add_argument("--no-registry", action="store_true", help="it joins no registry")
    parser.add_argument("--agent-id", help="its id (default: its name)")
    parser.add_argument("--description", help="what it does, in a sentence")
    parser.add_argument("--port", type=int, help=f"the port it listens on (default: {port})")
    parser.add_argument(
        "--ttl",
        type=int,
        metavar="SECONDS",
        help=f"how long its lease lasts without a heartbeat (default: {ttl})",
    )
    parser.add_argument(
        "--heartbeat-interval",
        type=float,
        metavar="SECONDS",
        help="between two heartbeats (default: what the registry asks for, a third of the TTL)",
    )


def option_name(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by path."""
    return {path: options[name] for name, path in FIELDS.items() if options[name] is not None}


def other_than_init(options: Mapping[str, Any]) -> list[str]:
    values = {name: options[name] for name in (*FIELDS, *OTHERS)}
    return [name for name, value in values.items() if value is not None and value is not False]
