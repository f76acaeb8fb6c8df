import re
from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploygen.lock.advice import Held
from deploygen.output.package import runtime_ranges
from deploygen.spec.errors import Problem, SpecError
from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import parse

REQUESTED = "The user requested "
DEPENDS = re.compile(r"(?P<name>\S+) \S+ depends on .*")


def conflict_error(spec: AgentSpec, explanation: str) -> SpecError:
    named = [
        index
        for index, line in enumerate(spec.requirements)
        if _is_named(parse(line).name, explanation)
    ] or list(range(len(spec.requirements)))
    ranges = _named_ranges(explanation)
    problems = []
    for index in named:
        others = [_place(spec, other) for other in named if other != index]
        others = others or [f"{each!r}, which every agent needs" for each in ranges]
        beside = f" together with {_listed(others)}" if others else ""
        place = f"requirements[{index}]"
        line = spec.requirements[index]
        problem = f"{line!r} cannot be installed{beside}: {_shortened(explanation)}"
        problems.append(Problem(place, problem, at=place))
    return SpecError(problems)


def holding_note(spec: AgentSpec, held: Held, explanation: str) -> str:
    """Return a note that names what excludes the newest version.

    `explanation`: the resolver's reason, "" if there is none.
    """
    begin = f"{held.name} is {held.version}, although there is {held.newest}"
    if not explanation:
        return f"{begin}: the lock has it from before; --upgrade takes newer versions"
    others = [
        _place(spec, index)
        for index, line in enumerate(spec.requirements)
        if index != held.index and _is_named(parse(line).name, explanation)
    ]
    others += [f"{each!r}, which every agent needs" for each in _named_ranges(explanation)]
    by = f" by {_listed(others)}" if others else ""
    return f"{begin}, which is excluded{by}: {_shortened(explanation)}"


def _named_ranges(explanation: str) -> list[str]:
    return [each for each in runtime_ranges() if _is_named(Requirement(each).name, explanation)]


def _shortened(explanation: str) -> str:
    causes: dict[str, list[str]] = {}
    for cause in explanation.split("; "):
        found = DEPENDS.fullmatch(cause)
        if found or not cause.startswith(REQUESTED):
            causes.setdefault(found["name"] if found else cause, []).append(cause)
    return "; ".join(
        f"{first}, and {len(older)} older versions of it conflict too" if older else first
        for first, *older in causes.values()
    )


def missing_error(index: int, problem: str) -> SpecError:
    place = f"requirements[{index}]"
    return SpecError([Problem(place, problem, at=place)])


def _is_named(name: str, explanation: str) -> bool:
    words = re.sub(r"[-_.]+", "-", explanation.lower())
    return re.search(rf"(?<![\w-]){re.escape(canonicalize_name(name))}(?![\w-])", words) is not None


def _place(spec: AgentSpec, index: int) -> str:
    return f"{spec.requirements[index]!r} (requirements[{index}])"


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
