"""``manage.py generate_agent NAME``: the folder of an agent that builds into an image."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from deploygen.rendering import is_local, render
from deploygen.spec import DEFAULT_PORT, DEFAULT_TTL_SECONDS, AgentSpec, SpecError
from deploygen.writing import Plan, WritingError, write_folder

OPTIONS = {"name": "NAME", "ttl_seconds": "--ttl"}


class Command(BaseCommand):
    help = "Write a folder with an agent: a server, its Dockerfile, and a handler to fill in."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="its name, and that of its image")
        registry = parser.add_mutually_exclusive_group()
        registry.add_argument(
            "--registry-url",
            metavar="URL",
            help="the registry that it joins (default: this one, by its setting REGISTRY_URL)",
        )
        registry.add_argument(
            "--no-registry", action="store_true", help="it has nothing to do with a registry"
        )
        parser.add_argument(
            "--output", type=Path, metavar="DIR", help="the folder to write (default: ./NAME)"
        )
        parser.add_argument("--agent-id", default="", help="its id (default: NAME)")
        parser.add_argument("--description", default="", help="what it does, in a sentence")
        parser.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help="where it listens (%(default)s)"
        )
        parser.add_argument(
            "--ttl",
            type=int,
            default=DEFAULT_TTL_SECONDS,
            metavar="SECONDS",
            help="how long its lease lasts without a heartbeat (%(default)s)",
        )
        parser.add_argument(
            "--heartbeat-interval",
            type=float,
            metavar="SECONDS",
            help="between two heartbeats (default: what the registry asks for, a third of the TTL)",
        )
        parser.add_argument(
            "--force", action="store_true", help="overwrite what was changed; handler.py is kept"
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def handle(
        self, *, output: Path | str | None, force: bool, dry_run: bool, **options: Any
    ) -> None:
        spec = _spec(options)
        folder = Path(output or spec.name)
        try:
            plan = write_folder(folder, render(spec), force=force, dry_run=dry_run)
        except WritingError as error:
            raise CommandError(f"{error} (--output)") from error
        self.stdout.write(_told(plan, folder, dry_run=dry_run))
        if not dry_run:
            self.stdout.write(_next_commands(spec, folder))


def _spec(options: dict[str, Any]) -> AgentSpec:
    registry_url = None if options["no_registry"] else options["registry_url"]
    default = registry_url is None and not options["no_registry"]
    try:
        return AgentSpec(
            name=options["name"],
            registry_url=settings.REGISTRY_URL if default else registry_url,
            agent_id=options["agent_id"],
            description=options["description"],
            port=options["port"],
            ttl_seconds=options["ttl"],
            heartbeat_interval=options["heartbeat_interval"],
        )
    except SpecError as error:
        option = OPTIONS.get(error.field, f"--{error.field.replace('_', '-')}")
        if error.field == "registry_url" and default:
            option = "the setting REGISTRY_URL"
        raise CommandError(f"{option}: {error.problem}") from error


def _told(plan: Plan, folder: Path, *, dry_run: bool) -> str:
    done = {
        "write": plan.write,
        "remove": plan.remove,
        "keep": plan.keep,
        "unchanged": plan.unchanged,
    }
    lines = [f"{'Would do this' if dry_run else 'Done'} in {folder}:"]
    lines += [f"  {verb:<9}  {path}" for verb, paths in done.items() for path in sorted(paths)]
    return "\n".join(lines)


def _next_commands(spec: AgentSpec, folder: Path) -> str:
    where, name, port = shlex.quote(str(folder)), spec.name, spec.port
    if spec.registry_url is not None and is_local(spec.registry_url):
        run = f"docker run --rm --network host {name}"
    elif spec.registry_url is not None:
        run = f'docker run --rm -p {port}:{port} -e AGENT_HOST="$(hostname)" {name}'
    else:
        run = f"docker run --rm -p {port}:{port} {name}"
    return f"""
Write what it does into {folder / "handler.py"}. Run it here:

  cd {where}
  python3 -m venv .venv
  .venv/bin/pip install --require-hashes -r requirements.txt
  .venv/bin/python server.py

or with Docker:

  docker build -t {name} {where}
  {run}

and give it something to do:

  curl -X POST http://localhost:{port}/run -H 'Content-Type: application/json' \\
    -d '{{"input": "hello"}}'"""
