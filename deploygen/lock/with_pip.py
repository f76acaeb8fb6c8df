import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from deploygen.lock import pip_for_target
from deploygen.lock.resolution import (
    Conflict,
    Package,
    Question,
    Unresolved,
    has_no_network,
    run_resolver,
)
from deploygen.lock.target import Target

CAUSES = re.compile(r"The conflict is caused by:\n((?: {4}.*\n)+)")
NO_FILE = re.compile(r"ERROR: No matching distribution found for (.*)")
Installed = Sequence[Mapping[str, Any]]


def resolve(question: Question, target: Target) -> list[Package]:
    """Raises Conflict, Unresolved."""
    installed = _run(question, {}, target)
    packages = list(map(_package, installed))
    free = {each.name: each.version for each in packages}
    kept = dict(_admitted(question, installed, target))
    if all(free[name] == version for name, version in kept.items()):
        return packages
    try:
        return list(map(_package, _run(question, {**free, **kept}, target)))
    except Conflict:
        return packages


def _run(question: Question, pins: Mapping[str, str], target: Target) -> Installed:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [*question.options, *question.lines]
        (folder / "requirements.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
        constraints = "".join(f"{each}=={version}\n" for each, version in pins.items())
        (folder / "constraints.txt").write_text(constraints, encoding="utf-8")
        done = run_resolver("pip", _command(folder, target))
        if done.returncode != 0:
            raise _error(done.stdout + done.stderr)
        installed: Installed = json.loads((folder / "report.json").read_bytes())["install"]
        return installed


def _command(folder: Path, target: Target) -> list[str]:
    return [
        sys.executable,
        str(Path(pip_for_target.__file__)),
        json.dumps(target.environment()),
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-input",
        "--disable-pip-version-check",
        "--retries=1",
        f"--target={folder / 'target'}",
        f"--report={folder / 'report.json'}",
        f"--requirement={folder / 'requirements.txt'}",
        f"--constraint={folder / 'constraints.txt'}",
        # Building would run code here.
        "--only-binary=:all:",
        f"--python-version={target.version}",
        "--implementation=cp",
        f"--abi=cp{target.version.replace('.', '')}",
        *(f"--platform={platform}" for platform in target.platforms()),
    ]


def _package(installed: Mapping[str, Any]) -> Package:
    download, metadata = installed["download_info"], installed["metadata"]
    digest = download["archive_info"]["hashes"]["sha256"]
    url = download["url"] if installed["is_direct"] else ""
    return Package(
        canonicalize_name(metadata["name"]), metadata["version"], frozenset({digest}), url
    )


def _admitted(
    question: Question, installed: Installed, target: Target
) -> Iterator[tuple[str, str]]:
    wanted: dict[str, list[Requirement]] = {}
    lines = [line for line in question.lines if not line.startswith(("-", "."))]
    for text in (*lines, *(each for one in installed for each in _requires(one))):
        try:
            required = Requirement(text)
        except InvalidRequirement:
            continue
        if required.marker is None or required.marker.evaluate(
            {**target.environment(), "extra": ""}
        ):
            wanted.setdefault(canonicalize_name(required.name), []).append(required)
    names = {canonicalize_name(each["metadata"]["name"]) for each in installed}
    for name, version in question.preferred.items():
        asked = wanted.get(name, [])
        fits = all(each.specifier.contains(version, prereleases=True) for each in asked)
        if name in names and fits and not any(each.url for each in asked):
            yield name, version


def _requires(installed: Mapping[str, Any]) -> list[str]:
    found: list[str] = installed["metadata"].get("requires_dist", [])
    return found


def _error(output: str) -> Conflict | Unresolved:
    if causes := CAUSES.search(output):
        return Conflict("; ".join(line.strip() for line in causes[1].splitlines()))
    if has_no_network(output):
        return Unresolved("no index of packages can be reached")
    if no_file := NO_FILE.search(output):
        return Unresolved(f"there is no wheel of {no_file[1]}", may_be_missing=True)
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    return Unresolved((errors or ["pip failed"])[-1].removeprefix("ERROR: "))
