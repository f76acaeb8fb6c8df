from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from deploygen.output.package import runtime_ranges
from deploygen.spec.requirements import file_of, parse
from deploygen.spec.rules import pythons_of

MACHINES = ("x86_64", "aarch64")
LATEST_PATCH = 99


@dataclass
class _Wanted:
    specifiers: SpecifierSet = field(default_factory=SpecifierSet)
    url: str = ""
    by: list[tuple[Requirement, str]] = field(default_factory=list)


def conflicts(requirements: Sequence[str], base_image: str) -> Iterator[tuple[int, str]]:
    """Yield the index of each requirement that cannot be met, and why."""
    environments = list(_environments(base_image))
    needed = {canonicalize_name(each.name): each for each in map(Requirement, runtime_ranges())}
    wanted: dict[str, _Wanted] = {}
    for index, text in enumerate(requirements):
        required = parse(text)
        if not _applies(required.marker, environments):
            continue
        name = canonicalize_name(required.name)
        own_need = needed.get(name)
        if own_need is not None and _exclude(required, own_need):
            yield index, f"every agent needs '{own_need}', which it excludes: leave it out"
            continue
        own = wanted.setdefault(name, _Wanted())
        if other := _excluded_by(required, own):
            yield index, f"it cannot be met together with {other}: leave one of them out"
            continue
        own.specifiers &= required.specifier
        own.url = own.url or required.url or ""
        own.by.append((required, f"{text!r}, which is requirements[{index}]"))


def excluded_by_requirement(text: str, base_image: str) -> Requirement | None:
    required = Requirement(text)
    if _applies(required.marker, list(_environments(base_image))):
        for need in map(Requirement, runtime_ranges()):
            if canonicalize_name(need.name) == canonicalize_name(required.name):
                return need if _exclude(required, need) else None
    return None


def _exclude(one: Requirement, other: Requirement) -> bool:
    if one.url and other.url and one.url != other.url:
        return True
    for required, specifiers in ((one, other.specifier), (other, one.specifier)):
        file = file_of(required.url) if required.url else None
        if file is not None and not specifiers.contains(file[1], prereleases=True):
            return True
    return bool((one.specifier & other.specifier).is_unsatisfiable())


def _excluded_by(required: Requirement, wanted: _Wanted) -> str:
    for other, text in wanted.by:
        if _exclude(required, other):
            return text
    if (required.specifier & wanted.specifiers).is_unsatisfiable():
        return " and ".join(text for _, text in wanted.by)
    return ""


def _applies(marker: Marker | None, environments: Sequence[dict[str, str]]) -> bool:
    if marker is None:
        return True
    try:
        return all(marker.evaluate(environment) for environment in environments)
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False


def _environments(base_image: str) -> Iterator[dict[str, str]]:
    for python in pythons_of(base_image):
        for patch in (0, LATEST_PATCH):
            for machine in MACHINES:
                yield environment(python, patch, machine)


def environment(python: tuple[int, int], patch: int, machine: str) -> dict[str, str]:
    """See PEP 508."""
    version = f"{python[0]}.{python[1]}"
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": f"{version}.{patch}",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.{patch}",
        "python_version": version,
        "sys_platform": "linux",
    }
