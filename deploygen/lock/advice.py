from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

from deploygen.lock.index import File, newest
from deploygen.lock.resolution import Package
from deploygen.lock.target import Target
from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import parse


@dataclass(frozen=True)
class Held:
    """A package whose version is far older than its requirement, `index`, admits."""

    index: int
    name: str
    version: str
    newest: Version


def held_back(
    spec: AgentSpec,
    packages: Sequence[Package],
    pages: Mapping[str, Sequence[File]],
    target: Target,
) -> Iterator[Held]:
    versions = {each.name: each.version for each in packages if not each.url}
    for index, text in enumerate(spec.requirements):
        required = parse(text)
        name = canonicalize_name(required.name)
        latest = newest(pages.get(name, ()), target)
        if name not in versions or latest is None or not required.specifier.contains(latest):
            continue
        if is_far_below(Version(versions[name]), latest):
            yield Held(index, required.name, versions[name], latest)


def problem_of_missing(text: str, files: Sequence[File], target: Target) -> str:
    """Return why no build can meet a requirement, "" if one may.

    `files`: all that the index has of the package.
    """
    required = parse(text)
    if not files:
        return f"the index has no package {required.name}"
    met = [each for each in files if required.specifier.contains(each.version, prereleases=True)]
    latest = newest(files, target)
    hint = f"; the newest version is {latest}" if latest else ""
    if not met:
        return f"no version of {required.name} meets {text!r}{hint}"
    if not any(each.fits(target) for each in met):
        return f"no version that meets {text!r} is for Python {target.version}{hint}"
    return ""


def is_far_below(version: Version, other: Version) -> bool:
    for own, newer in zip(_numbers(version), _numbers(other), strict=True):
        if own or newer:
            return own < newer
    return False


def _numbers(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.micro
