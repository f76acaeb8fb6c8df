"""What cannot work although each field of the spec is valid by itself."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploygen.output.conflicts import conflicts
from deploygen.project.handler import HandlerError, check_handler
from deploygen.spec.errors import Problem, SpecError
from deploygen.spec.model import AgentSpec
from deploygen.spec.rules import python_of


def check_project(folder: Path, spec: AgentSpec, modules: Mapping[str, str]) -> None:
    """Check a spec with the `modules` of its folder. Raises SpecError with all problems."""
    if problems := list(_problems(folder, spec, modules)):
        raise SpecError(problems)


def _problems(folder: Path, spec: AgentSpec, modules: Mapping[str, str]) -> Iterator[Problem]:
    try:
        check_handler(folder, spec, modules)
    except HandlerError as error:
        yield Problem("handler", str(error), at="handler")
    found = [*conflicts(spec.requirements, python_of(spec.base_image)), *_hidden(spec, modules)]
    for index, problem in found:
        place = f"requirements[{index}]"
        yield Problem(place, problem, at=place)


def _hidden(spec: AgentSpec, modules: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the requirements that a module would hide."""
    files = {canonicalize_name(name.removesuffix(".py")): name for name in modules}
    for index, text in enumerate(spec.requirements):
        if file := files.get(canonicalize_name(Requirement(text).name)):
            yield (
                index,
                f"the module {file} beside the spec would hide it: give the module another name",
            )
