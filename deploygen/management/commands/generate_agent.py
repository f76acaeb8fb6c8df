"""``manage.py generate_agent SPEC_OR_NAME``: the folder of an agent that builds into an image."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from deploygen.docker.build import BuildError, build_command, build_image, require_docker
from deploygen.output.rendering import HANDLER, NameTaken, render
from deploygen.output.report import after_generating, after_starting, what_was_done
from deploygen.output.writing import USERS_FILES, WritingError, write_folder
from deploygen.project.modules import ModulesError, read_modules
from deploygen.project.scaffold import SPEC_FILE, StartingError, start_in
from deploygen.spec.file import SpecFile, SpecFileError, read_spec
from deploygen.spec.model import DEFAULT_PORT, DEFAULT_TTL_SECONDS, AgentSpec, SpecError

SPEC_SUFFIXES = (".yaml", ".yml")
# Options that are fields of the spec, and the fields.
FIELDS = {
    "agent_id": "agent_id",
    "description": "description",
    "port": "port",
    "ttl": "ttl_seconds",
    "heartbeat_interval": "heartbeat_interval",
    "registry_url": "registry_url",
}
OPTIONS = {field: f"--{option.replace('_', '-')}" for option, field in FIELDS.items()}
OF_THE_REGISTRY = ("ttl", "heartbeat_interval")
OTHER_OPTIONS = ("no_registry", "output", "force", "dry_run", "build")
BELOW_THE_SPEC = "build"


class Command(BaseCommand):
    help = "Write a folder with an agent: a server, its Dockerfile, and a handler to fill in."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "target",
            metavar="SPEC_OR_NAME",
            nargs="?",
            help="an agent.yaml, beside which its modules are; or only a name, which is that of "
            "its image too. The options below beat what the file says",
        )
        parser.add_argument(
            "--init",
            type=Path,
            metavar="DIR",
            help=f"only write a commented {SPEC_FILE} and its handler into DIR, to start from",
        )
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
            "--output",
            type=Path,
            metavar="DIR",
            help=f"the folder to write (default: ./NAME; ./NAME/{BELOW_THE_SPEC} if the spec is "
            "in ./NAME)",
        )
        parser.add_argument("--agent-id", help="its id (default: its name)")
        parser.add_argument("--description", help="what it does, in a sentence")
        parser.add_argument("--port", type=int, help=f"where it listens (default: {DEFAULT_PORT})")
        parser.add_argument(
            "--ttl",
            type=int,
            metavar="SECONDS",
            help=f"how long its lease lasts without a heartbeat (default: {DEFAULT_TTL_SECONDS})",
        )
        parser.add_argument(
            "--heartbeat-interval",
            type=float,
            metavar="SECONDS",
            help="between two heartbeats (default: what the registry asks for, a third of the TTL)",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="overwrite what was changed in the folder; a handler.py to fill in is kept",
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
        parser.add_argument(
            "--build", action="store_true", help="build the image too, by docker build"
        )

    def handle(self, *, target: str | None, init: Path | str | None, **options: Any) -> None:
        if init is not None:
            _refuse_other_options(target, options)
            self._start(Path(init))
        elif target is None:
            raise CommandError("SPEC_OR_NAME is missing: give a spec or a name, or --init DIR")
        else:
            self._generate(target, options)

    def _start(self, folder: Path) -> None:
        try:
            paths = start_in(folder)
        except StartingError as error:
            raise CommandError(f"--init: {error}") from error
        self.stdout.write(after_starting(paths))

    def _generate(self, target: str, options: dict[str, Any]) -> None:
        source = _source(target)
        spec = _spec(target, source, options)
        folder = _folder(options["output"], spec, source)
        build, dry_run = options["build"], options["dry_run"]
        try:
            if build and not dry_run:
                require_docker()
            modules = {} if source is None else read_modules(source.path.parent, spec)
            plan = write_folder(
                folder,
                render(spec, modules),
                users=USERS_FILES - modules.keys(),
                force=options["force"],
                dry_run=dry_run,
            )
        except WritingError as error:
            raise CommandError(f"{error} (--output){_hint(target, source)}") from error
        except (ModulesError, NameTaken) as error:
            raise CommandError(str(error)) from error
        except BuildError as error:
            raise CommandError(f"--build: {error}") from error
        self.stdout.write(what_was_done(plan, folder, dry_run=dry_run))
        if dry_run:
            if build:
                self.stdout.write(f"and then: {shlex.join(build_command(spec.name, folder))}")
        else:
            if build:
                self._build(spec, folder)
            fill_in = HANDLER not in modules and spec.handler_module == "handler"
            code = folder if source is None or fill_in else source.path.parent
            self.stdout.write(after_generating(spec, folder, code=code, built=build))

    def _build(self, spec: AgentSpec, folder: Path) -> None:
        self.stdout.write(f"\nBuilding the image {spec.name}:\n")
        self.stdout.flush()  # what docker says comes after it
        try:
            build_image(spec.name, folder)
        except BuildError as error:
            raise CommandError(f"--build: {error}") from error
        except KeyboardInterrupt as error:
            raise CommandError("the build was stopped; the folder is written") from error


def _refuse_other_options(target: str | None, options: dict[str, Any]) -> None:
    given = [
        name
        for name in (*FIELDS, *OTHER_OPTIONS)
        if options[name] is not None and options[name] is not False
    ]
    if target is not None:
        raise CommandError(f"--init DIR is enough: {target!r} has no place beside it")
    if given:
        raise CommandError(f"--init has no use for --{given[0].replace('_', '-')}")


def _source(target: str) -> SpecFile | None:
    """Return the spec that `target` leads to, None if it is a name."""
    path = Path(target)
    is_there = path.exists() and not path.is_dir()
    if not is_there and path.suffix not in SPEC_SUFFIXES:
        return None
    try:
        return read_spec(path)
    except SpecFileError as error:
        raise CommandError(str(error)) from error


def _spec(target: str, source: SpecFile | None, options: dict[str, Any]) -> AgentSpec:
    given = {
        field: options[option] for option, field in FIELDS.items() if options[option] is not None
    }
    none_in_file = source is not None and source.without_registry
    if given.get("agent_id") == "":
        raise CommandError("--agent-id: it must not be empty")
    if options["no_registry"] or (none_in_file and "registry_url" not in given):
        for option in OF_THE_REGISTRY:
            if options[option] is not None:
                raise CommandError(f"{OPTIONS[FIELDS[option]]}: the agent has no registry")
        given["registry_url"] = None
    in_file = source is not None and "registry_url" in source.fields
    default = "registry_url" not in given and not in_file
    if default:
        given["registry_url"] = settings.REGISTRY_URL
    try:
        return source.spec(**given) if source else AgentSpec(name=target, **given)
    except SpecFileError as error:
        raise CommandError(str(error)) from error
    except SpecError as error:
        option = OPTIONS.get(error.field, "SPEC_OR_NAME")
        if error.field == "registry_url" and default:
            option = "the setting REGISTRY_URL"
        hint = _hint(target, source) if error.field == "name" else ""
        raise CommandError(f"{option}: {error.problem}{hint}") from error


def _hint(target: str, source: SpecFile | None) -> str:
    """Say so where the name is that of a folder with a spec in it."""
    spec = Path(target) / SPEC_FILE
    return f"; did you mean {spec}?" if source is None and spec.is_file() else ""


def _folder(output: Path | str | None, spec: AgentSpec, source: SpecFile | None) -> Path:
    if output is not None:
        folder = Path(output)
        # The step back would be taken from a folder that is not there, and so be made.
        return folder.resolve() if ".." in folder.parts else folder
    folder = Path(spec.name)
    if source is not None and source.path.parent.resolve() == folder.resolve():
        return folder / BELOW_THE_SPEC
    return folder
