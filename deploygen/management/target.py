from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from deploygen.management.options import FIELDS, LEASE, given, option_name
from deploygen.project.scaffold import SPEC_FILE
from deploygen.spec.errors import Problem, SpecError, make_spec
from deploygen.spec.file import SpecFile, SpecFileError, overridden, read_spec
from deploygen.spec.model import AgentSpec

SPEC_SUFFIXES = (".yaml", ".yml")


def source_of(target: str) -> SpecFile | None:
    path = Path(target)
    is_there = path.exists() and not path.is_dir()
    if not is_there and path.suffix not in SPEC_SUFFIXES:
        return None
    try:
        return read_spec(path)
    except SpecFileError as error:
        raise CommandError(str(error)) from error


def spec_of(target: str, source: SpecFile | None, options: dict[str, Any]) -> AgentSpec:
    fields = given(options)
    labels = {path: option_name(option) for option, path in FIELDS.items()}
    registry = {} if source is None else source.registry
    if options["no_registry"] or (registry is False and "registry.url" not in fields):
        for option in LEASE:
            if options[option] is not None:
                raise CommandError(f"{option_name(option)}: the agent has no registry")
        fields["registry"] = False
    elif "registry.url" not in fields and not (isinstance(registry, dict) and "url" in registry):
        fields["registry.url"] = settings.REGISTRY_URL
        labels["registry.url"] = "the setting REGISTRY_URL"
    try:
        return source.spec(fields) if source else make_spec(overridden({"name": target}, fields))
    except SpecFileError as error:
        raise CommandError(str(error)) from error
    except SpecError as error:
        lines = [_message(problem, labels, target, source) for problem in error.problems]
        raise CommandError("\n".join(lines)) from error


def _message(problem: Problem, labels: dict[str, str], target: str, source: SpecFile | None) -> str:
    more = hint(target, source) if problem.field == "name" else ""
    return f"{labels.get(problem.field, 'SPEC_OR_NAME')}: {problem.text}{more}"


def hint(target: str, source: SpecFile | None) -> str:
    spec = Path(target) / SPEC_FILE
    return f"; did you mean {spec}?" if source is None and spec.is_file() else ""
