import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.lock import with_pip, with_uv
from deploygen.lock.advice import Held, held_back, problem_of_missing
from deploygen.lock.explanation import conflict_error, holding_note, missing_error
from deploygen.lock.index import File, files_of
from deploygen.lock.lockfile import inputs_of, is_for, lock_files, tested_blocks
from deploygen.lock.resolution import Conflict, Package, Question, Unresolved
from deploygen.lock.target import Target, target_of
from deploygen.output.package import (
    LOCK,
    OWN_REQUIREMENTS,
    index_options,
    pins_in,
    runtime_ranges,
)
from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import WHEEL, parse


@dataclass(frozen=True)
class Lock:
    """`files`: texts by path, none if the build chooses; `versions`: by name."""

    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def lock_agent(
    spec: AgentSpec, folder: Path, existing: Mapping[str, str], *, upgrade: bool = False
) -> Lock:
    """Resolve a spec's requirements together with the runtime's.

    `existing`: the last lock's files, whose versions are kept unless `upgrade`. Raises SpecError.
    """
    if not spec.requirements:
        return Lock()
    try:
        target = _target(spec)
    except Unresolved as error:
        return _left_to_build(error)
    try:
        question = _question(spec, folder, {} if upgrade else existing)
        if not upgrade and (kept := current_lock(spec, folder, existing)):
            return _lock(kept, [])
        packages = _resolve(spec, question, target)
    except Conflict as error:
        _refuse_missing(spec, target)
        raise conflict_error(spec, str(error)) from error
    except Unresolved as error:
        if error.may_be_missing:
            _refuse_missing(spec, target)
        return _left_to_build(error)
    pages = _pages(spec, packages)
    held = list(held_back(spec, packages, pages, target))
    notes = [holding_note(spec, each, _excluded(spec, question, each, target)) for each in held]
    inputs = _inputs(spec, folder, target)
    return _lock(lock_files(_with_hashes(packages, pages), inputs, target), notes)


def current_lock(spec: AgentSpec, folder: Path, existing: Mapping[str, str]) -> dict[str, str]:
    """Return the files of an `existing` lock, none if it is not for the present spec."""
    target = target_of(spec.base_image)
    if target is None or not is_for(existing, _inputs(spec, folder, target)):
        return {}
    return {name: existing[name] for name in (LOCK, OWN_REQUIREMENTS)}


def _inputs(spec: AgentSpec, folder: Path, target: Target) -> str:
    return inputs_of(_identity(spec, folder), index_options(spec), target)


def _lock(files: Mapping[str, str], notes: list[str]) -> Lock:
    return Lock(files, pins_in("".join(files.values())), notes)


def _target(spec: AgentSpec) -> Target:
    target = target_of(spec.base_image)
    if target is None:
        raise Unresolved(f"the name of {spec.base_image} does not give the version of its Python")
    if spec.needs_git:
        raise Unresolved("a requirement is a repository, which only the build clones")
    return target


def _question(spec: AgentSpec, folder: Path, existing: Mapping[str, str]) -> Question:
    lines = [*runtime_ranges(), *(_line(text, folder) for text in spec.requirements)]
    options = index_options(spec)
    tested = {name: block.version for name, block in tested_blocks().items()}
    earlier = pins_in(existing.get(OWN_REQUIREMENTS, ""))
    return Question(tuple(lines), tuple(options), {**earlier, **tested})


def _line(text: str, folder: Path) -> str:
    wheel = WHEEL.fullmatch(text)
    if wheel is None:
        return text
    required = parse(text)
    extras = f"[{','.join(sorted(required.extras))}]" if required.extras else ""
    return f"{required.name}{extras} @ {(folder / wheel['path']).resolve().as_uri()}"


def _identity(spec: AgentSpec, folder: Path) -> tuple[str, ...]:
    digests = [hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in spec.wheels]
    return (*runtime_ranges(), *spec.requirements, *digests)


def _resolve(spec: AgentSpec, question: Question, target: Target) -> list[Package]:
    # uv does not read pip.conf.
    if not spec.pip_config and (uv := with_uv.program()):
        return with_uv.resolve(question, target, uv)
    return with_pip.resolve(question, target)


def _excluded(spec: AgentSpec, question: Question, held: Held, target: Target) -> str:
    """Return why there is no newest version, "" if one is found."""
    line = f"{held.name}=={held.newest}"
    try:
        _resolve(spec, replace(question, lines=(*question.lines, line)), target)
    except (Conflict, Unresolved) as error:
        return str(error)
    return ""


def _pages(spec: AgentSpec, packages: list[Package]) -> dict[str, list[File]]:
    """Return the files of packages whose hashes the tested lock lacks."""
    if spec.pip_config:
        return {}  # the index is pip's secret
    tested = tested_blocks()
    direct = {canonicalize_name(parse(text).name) for text in spec.requirements}
    names = {
        each.name
        for each in packages
        if not each.url
        and (
            each.name in direct
            or each.name not in tested
            or tested[each.name].version != each.version
        )
    }
    return files_of(names, spec.index_url)


def _with_hashes(packages: list[Package], pages: Mapping[str, list[File]]) -> list[Package]:
    found = []
    for package in packages:
        files = pages.get(package.name, ())
        digests = {each.sha256 for each in files if str(each.version) == package.version} - {""}
        whole = package.hashes | digests if package.hashes & digests else package.hashes
        found.append(replace(package, hashes=frozenset(whole)))
    return found


def _left_to_build(error: Unresolved) -> Lock:
    return Lock(notes=[f"the build of the image will choose the versions of packages: {error}"])


def _refuse_missing(spec: AgentSpec, target: Target) -> None:
    if spec.extra_index_urls or spec.pip_config:
        return
    names = {canonicalize_name(each.name) for each in map(parse, spec.requirements) if not each.url}
    pages = files_of(names, spec.index_url)
    for index, text in enumerate(spec.requirements):
        files = pages.get(canonicalize_name(parse(text).name))
        if files is not None and (problem := problem_of_missing(text, files, target)):
            raise missing_error(index, problem)
