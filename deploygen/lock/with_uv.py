"""uv is faster than pip and explains conflicts better."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.lock.resolution import (
    Conflict,
    Package,
    Question,
    Unresolved,
    has_no_network,
    run_resolver,
)
from deploygen.lock.target import Target

ENTRY = re.compile(
    r"(?m)^(?P<name>[A-Za-z0-9][\w.-]*)(?:==(?P<version>\S+)| @ (?P<url>\S+))"
    r"(?P<rest>.*(?:\n    --.*)*)"
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NO_SOLUTION = "No solution found when resolving dependencies"
NOT_FOUND = re.compile(r"no wheels|no usable wheels|was not found in the package registry|disabled")


def program() -> str | None:
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside or shutil.which("uv")


def resolve(question: Question, target: Target, uv: str) -> list[Package]:
    """Raises Conflict, Unresolved."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [*question.options, *question.lines]
        (folder / "requirements.in").write_text("\n".join([*lines, ""]), encoding="utf-8")
        # uv keeps the versions in its output file.
        preferred = "".join(f"{each}=={pin}\n" for each, pin in question.preferred.items())
        (folder / "requirements.txt").write_text(preferred, encoding="utf-8")
        environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
        done = run_resolver("uv", _command(uv, target), folder, environment)
        if done.returncode != 0:
            raise _error(done.stderr)
        return list(_packages((folder / "requirements.txt").read_text(encoding="utf-8")))


def _command(uv: str, target: Target) -> list[str]:
    platform = "x86_64-unknown-linux-musl" if target.musl else "x86_64-manylinux_2_36"
    return [
        uv,
        "pip",
        "compile",
        "requirements.in",
        "--output-file=requirements.txt",
        f"--python-version={target.version}",
        f"--python-platform={platform}",
        # As pip does.
        "--index-strategy=unsafe-best-match",
        # Building would run code here.
        "--no-build",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--no-config",
        # The cache may be minutes old.
        "--refresh",
        "--quiet",
    ]


def _packages(text: str) -> Iterator[Package]:
    for entry in ENTRY.finditer(text):
        url = entry["url"] or ""
        hashes = frozenset(HASH.findall(entry["rest"]))
        yield Package(canonicalize_name(entry["name"]), entry["version"] or "", hashes, url)


def _error(output: str) -> Conflict | Unresolved:
    text = " ".join(re.sub(r"[^\x00-\x7f]", " ", output).split())
    if has_no_network(text):
        return Unresolved("no index of packages can be reached")
    if NO_SOLUTION in text:
        reason = text.partition(NO_SOLUTION)[2].lstrip(": ").removeprefix("cause: ")
        return (
            Unresolved(reason, may_be_missing=True)
            if NOT_FOUND.search(reason)
            else Conflict(reason)
        )
    return Unresolved(text.removeprefix("error: ") or "uv failed")
