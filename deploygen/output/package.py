"""What every agent gets unchanged."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import WHEEL

DEPLOYGEN = Path(__file__).resolve().parents[1]
RUNTIME = DEPLOYGEN / "runtime"
CLIENT = DEPLOYGEN / "client/registration"
IMAGE = DEPLOYGEN / "image"

PACKAGE = "agent_runtime"
TRACING_FOLDER = "tracing/"
REGISTRY_FOLDER = "registry/"
# The package replaces the module.
CLIENT_FOLDER = "registry/client"
CLIENT_MODULE = "registry/client.py"
IMAGE_FOLDER = "image"
PAGE_FOLDER = "page/"
PAGE_FILES = (f"{PAGE_FOLDER}*.html", f"{PAGE_FOLDER}*.css", f"{PAGE_FOLDER}*.js")

LOCK = "requirements.txt"
RANGES = "requirements.in"
OWN_REQUIREMENTS = "requirements-agent.txt"
WHEELS = "requirements-wheels"
# For builds that choose versions.
CONSTRAINTS = "constraints.txt"
PINNED = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)")


def package_files(
    *, with_registry: bool, with_traces: bool = False, with_page: bool = False
) -> dict[str, str]:
    wanted = {REGISTRY_FOLDER: with_registry, TRACING_FOLDER: with_traces, PAGE_FOLDER: with_page}
    left_out = tuple(folder for folder, is_wanted in wanted.items() if not is_wanted)
    files = {
        name: text for name, text in _texts(RUNTIME, *PAGE_FILES) if not name.startswith(left_out)
    }
    files |= {f"{IMAGE_FOLDER}/{name}": text for name, text in _texts(IMAGE)}
    if with_registry:
        del files[CLIENT_MODULE]
        files |= {f"{CLIENT_FOLDER}/{name}": text for name, text in _texts(CLIENT)}
    return {f"{PACKAGE}/{name}": text for name, text in files.items()}


def requirement_files(spec: AgentSpec, lock: Mapping[str, str]) -> dict[str, str]:
    """Return the `lock`, or what a build needs instead."""
    if lock or not spec.requirements:
        return {LOCK: tested_lock(), **lock}
    lines = [*index_options(spec), *map(_line, spec.requirements)]
    return {
        LOCK: tested_lock(),
        OWN_REQUIREMENTS: "".join(f"{line}\n" for line in lines),
        CONSTRAINTS: "".join(f"{line}\n" for line in runtime_ranges()),
    }


def index_options(spec: AgentSpec) -> list[str]:
    return [
        *([f"--index-url {spec.index_url}"] if spec.index_url else []),
        *(f"--extra-index-url {url}" for url in spec.extra_index_urls),
    ]


def _line(requirement: str) -> str:
    wheel = WHEEL.fullmatch(requirement)
    return wheel.expand(rf"./{WHEELS}/\g<file>\g<extras>") if wheel else requirement


def pins_in(lock: str) -> dict[str, str]:
    """Return versions by normalised name."""
    return {canonicalize_name(name): version for name, version in PINNED.findall(lock)}


def top_level_names() -> frozenset[str]:
    """Return the names by which the runtime and its packages are imported."""
    names = {name.replace("-", "_") for name in pins_in(tested_lock())}
    # opentelemetry-api has no "-api" there.
    return frozenset({PACKAGE, *names, *(name.removesuffix("_api") for name in names)})


@cache
def _texts(folder: Path, *patterns: str) -> Sequence[tuple[str, str]]:
    others = [path for pattern in patterns for path in folder.glob(pattern)]
    return [
        (path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted([*folder.rglob("*.py"), *others])
    ]


def tested_lock() -> str:
    return (RUNTIME / LOCK).read_text(encoding="utf-8")


def runtime_ranges() -> list[str]:
    lines = (RUNTIME / RANGES).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
