from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deploygen.docker.build import (
    BuildError,
    build_command,
    build_environment,
    build_image,
    command_line,
    require_docker,
    versions_in,
)
from deploygen.docker.source import source_of as source_of_image
from deploygen.lock.agent_lock import Lock, lock_agent
from deploygen.management.options import (
    add_options,
    option_name,
    other_than_init,
)
from deploygen.management.target import hint, source_of, spec_of
from deploygen.output.content import Content
from deploygen.output.package import LOCK, OWN_REQUIREMENTS, WHEELS
from deploygen.output.rendering import needs_handler, render
from deploygen.output.report import locked_versions, next_steps, next_steps_after_init, summary
from deploygen.output.writing import USERS_FILES, WritingError, unchanged_texts, write_folder
from deploygen.project.checks import check_project
from deploygen.project.files import FilesError, Found, find_files
from deploygen.project.imports import missing_imports
from deploygen.project.modules import Modules
from deploygen.project.scaffold import (
    BELOW_THE_SPEC,
    DEFAULT_TEMPLATE,
    ScaffoldError,
    write_scaffold,
)
from deploygen.spec.errors import SpecError
from deploygen.spec.file import SpecFile
from deploygen.spec.model import AgentSpec
from deploygen.spec.rules import python_of


class Command(BaseCommand):
    help = "Write a folder with an agent: a server, its Dockerfile, and a handler to fill in."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *, target: str | None, init: Path | str | None, **options: Any) -> None:
        if init is not None:
            if target is not None:
                raise CommandError(f"--init DIR takes no SPEC_OR_NAME: leave {target!r} out")
            for name in other_than_init(options):
                raise CommandError(f"--init cannot be combined with {option_name(name)}")
            self._init(Path(init), options["template"] or DEFAULT_TEMPLATE)
        elif options["template"] is not None:
            raise CommandError("--template is for --init DIR")
        elif target is None:
            raise CommandError("SPEC_OR_NAME is missing: give a spec or a name, or --init DIR")
        else:
            self._generate(target, options)

    def _init(self, folder: Path, template: str) -> None:
        try:
            paths = write_scaffold(folder, template)
        except ScaffoldError as error:
            raise CommandError(f"--init: {error}") from error
        self.stdout.write(next_steps_after_init(paths))

    def _generate(self, target: str, options: dict[str, Any]) -> None:
        source = source_of(target)
        spec = spec_of(target, source, options)
        folder = _folder(options["output"], spec, source)
        authors_folder = folder if source is None else source.path.parent
        build, dry_run = options["build"], options["dry_run"]
        try:
            if build and not dry_run:
                require_docker(spec)
            found, wheels = (Found(), {}) if source is None else _project(source, spec, folder)
            lock = self._lock(source, spec, folder, options)
            plan = write_folder(
                folder,
                {**render(spec, found.files, lock.files), **wheels},
                users=USERS_FILES - found.files.keys(),
                force=options["force"],
                dry_run=dry_run,
            )
        except WritingError as error:
            raise CommandError(f"{error} (--output){hint(target, source)}") from error
        except FilesError as error:
            raise CommandError(str(error)) from error
        except BuildError as error:
            raise CommandError(f"--build: {error}") from error
        notes = [*found.notes, *lock.notes, *_missing(spec, found, lock)]
        self.stdout.write(summary(plan, folder, notes, dry_run=dry_run))
        if lock.versions:
            self.stdout.write(locked_versions(spec, lock.versions))
        if dry_run:
            if build:
                of = source_of_image(authors_folder)
                command = build_command(spec, folder, of)
                environment = build_environment(spec, of)
                self.stdout.write(f"and then: {command_line(command, environment)}")
            return
        if build:
            self._build(spec, folder, authors_folder, is_locked=bool(lock.files))
        code = folder if needs_handler(spec, found.files) else authors_folder
        self.stdout.write(
            next_steps(spec, folder, code=code, built=build, is_locked=bool(lock.files))
        )

    def _lock(
        self, source: SpecFile | None, spec: AgentSpec, folder: Path, options: dict[str, Any]
    ) -> Lock:
        if source is None or options["no_lock"]:
            return Lock()
        if spec.requirements:
            self.stdout.write("Resolving the requirements...")
            self.stdout.flush()
        existing = unchanged_texts(folder, (LOCK, OWN_REQUIREMENTS))
        try:
            return lock_agent(spec, source.path.parent, existing, upgrade=options["upgrade"])
        except SpecError as error:
            raise CommandError(str(source.located(error))) from error

    def _build(self, spec: AgentSpec, folder: Path, code: Path, *, is_locked: bool) -> None:
        self.stdout.write(f"\nBuilding the image {spec.name}:\n")
        self.stdout.flush()
        try:
            build_image(spec, folder, source_of_image(code))
            if spec.requirements and not is_locked and (found := versions_in(spec.name)):
                self.stdout.write(locked_versions(spec, found))
        except BuildError as error:
            raise CommandError(f"--build: {error}") from error
        except KeyboardInterrupt as error:
            raise CommandError("the build was stopped; the folder is written") from error


def _project(
    source: SpecFile, spec: AgentSpec, output: Path
) -> tuple[Found, Mapping[str, Content]]:
    found = find_files(source.path, spec, output)
    wheels, problems = check_project(source.path.parent, spec, found)
    if problems:
        raise CommandError(str(source.located(SpecError(problems))))
    return found, {f"{WHEELS}/{name}": content for name, content in wheels.items()}


def _missing(spec: AgentSpec, found: Found, lock: Lock) -> list[str]:
    if not lock.versions:
        return []
    missing = missing_imports(spec, Modules(found.files, python_of(spec.base_image)), lock.versions)
    return [f"{each} to the requirements, if none of the packages provides it" for each in missing]


def _folder(output: Path | str | None, spec: AgentSpec, source: SpecFile | None) -> Path:
    if output is not None:
        folder = Path(output)
        # mkdir would create the missing folders before "..".
        return folder.resolve() if ".." in folder.parts else folder
    folder = Path(spec.name)
    if source is not None and source.path.parent.resolve() == folder.resolve():
        return folder / BELOW_THE_SPEC
    return folder
