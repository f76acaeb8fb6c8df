"""What cannot work although each field is valid."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from deploygen.output.conflicts import LATEST_PATCH, conflicts, excluded_by_requirement
from deploygen.project.files import Found
from deploygen.project.handler import HandlerError, check_handler
from deploygen.project.imports import missing_imports
from deploygen.project.modules import Modules, hidden_names, imported_as
from deploygen.project.wheels import Wheel, WheelError, read_wheel
from deploygen.spec.errors import Problem
from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import file_of, parse
from deploygen.spec.rules import python_of, pythons_of
from deploygen.spec.wheel_tags import problem_of_tags


def check_project(
    folder: Path, spec: AgentSpec, found: Found
) -> tuple[dict[str, bytes], list[Problem]]:
    """Return the contents of the folder's wheels by name, and all problems."""
    wheels: dict[str, bytes] = {}
    problems = list(_problems(folder, spec, found, wheels))
    return wheels, problems


def _problems(
    folder: Path, spec: AgentSpec, found: Found, wheels: dict[str, bytes]
) -> Iterator[Problem]:
    for problem in hidden_names(found.files):
        yield Problem("", problem, at="")
    modules = Modules(found.files, python_of(spec.base_image))
    try:
        check_handler(folder, spec, modules)
        missing = missing_imports(spec, modules)
    except HandlerError as error:
        yield Problem("handler", str(error), at="handler")
    else:
        # One of them may provide it.
        for problem in [] if spec.requirements else missing:
            yield Problem("requirements", f"{problem} to the requirements", at="requirements")
    for index, step in enumerate(spec.build_steps):
        for file in step.files:
            if not any(path == file or path.startswith(f"{file}/") for path in found.files):
                place = f"build_steps[{index}].files"
                problem = f"{file} is not among the files copied from the spec's folder"
                yield Problem(place, problem, at=place)
    wrong = [
        *conflicts(spec.requirements, spec.base_image),
        *_hidden(spec, found),
        *_unfit(folder, spec, wheels),
    ]
    for index, problem in wrong:
        place = f"requirements[{index}]"
        yield Problem(place, problem, at=place)


def _hidden(spec: AgentSpec, found: Found) -> Iterator[tuple[int, str]]:
    places = {canonicalize_name(name): place for name, place in imported_as(found.files).items()}
    for index, text in enumerate(spec.requirements):
        if place := places.get(canonicalize_name(parse(text).name)):
            kind = "folder" if place.endswith("/") else "module"
            yield (
                index,
                f"the {kind} {place} beside the spec would hide it: give the {kind} another name",
            )


def _unfit(folder: Path, spec: AgentSpec, wheels: dict[str, bytes]) -> Iterator[tuple[int, str]]:
    for index, text in enumerate(spec.requirements):
        try:
            wheel = read_wheel(folder, text, spec.base_image)
        except WheelError as error:
            yield index, str(error)
            continue
        problem = _remote_problem(text, spec) if wheel is None else _problem_of(wheel, spec)
        if problem:
            yield index, problem
        elif wheel is not None:
            wheels[wheel.file] = wheel.content


def _remote_problem(text: str, spec: AgentSpec) -> str | None:
    file = urlsplit(parse(text).url or "").path.rpartition("/")[2]
    if file.endswith(".whl") and file_of(file):
        return problem_of_tags(file, spec.base_image)
    return None


def _problem_of(wheel: Wheel, spec: AgentSpec) -> str | None:
    try:
        allowed = SpecifierSet(wheel.python)
        if not any(
            allowed.contains(f"{major}.{minor}.{patch}")
            for major, minor in pythons_of(spec.base_image)
            for patch in (0, LATEST_PATCH)
        ):
            return (
                f"{wheel.file} needs Python {wheel.python}, which {spec.base_image} does not have"
            )
        for text in wheel.requires:
            if need := excluded_by_requirement(text, spec.base_image):
                return f"{wheel.file} requires {text!r}, and every agent needs {need}"
    except (InvalidRequirement, InvalidSpecifier) as error:
        return f"{wheel.file} has metadata that pip cannot read: {error}"
    return None
