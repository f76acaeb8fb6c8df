"""What every agent gets unchanged: the package `agent_runtime` and its requirements."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import WHEEL

DEPLOYGEN = Path(__file__).resolve().parents[1]
RUNTIME = DEPLOYGEN / "runtime"
CLIENT = DEPLOYGEN / "client"
IMAGE = DEPLOYGEN / "image"

PACKAGE = "agent_runtime"
# Only with traces.
TRACING_FOLDER = "tracing/"
# Only with a registry; there, the client takes the place of the module that imports it.
REGISTRY_FOLDER = "registry/"
CLIENT_FOLDER = "registry/client"
CLIENT_MODULE = "registry/client.py"
IMAGE_FOLDER = "image"
# Only if the spec asks for it.
PAGE_FOLDER = "page/"
PAGE_FILES = (f"{PAGE_FOLDER}*.html", f"{PAGE_FOLDER}*.css", f"{PAGE_FOLDER}*.js")

LOCK = "requirements.txt"
RANGES = "requirements.in"
OWN_REQUIREMENTS = "requirements-agent.txt"
# The wheels from beside the spec; image/assembly.py leaves the folder out of the image.
WHEELS = "requirements-wheels"
# What the runtime works with, for a build that chooses the versions.
CONSTRAINTS = "constraints.txt"
PINNED = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)")


def package_files(
    *, with_registry: bool, with_traces: bool = False, with_page: bool = False
) -> dict[str, str]:
    """Return texts by path in the agent's folder."""
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
    """Return the files of the `lock`. Without one, the build has to meet the requirements."""
    if lock or not spec.requirements:
        return {LOCK: tested_lock(), **lock}
    lines = [
        *([f"--index-url {spec.index_url}"] if spec.index_url else []),
        *(f"--extra-index-url {url}" for url in spec.extra_index_urls),
        *map(_line, spec.requirements),
    ]
    return {
        LOCK: tested_lock(),
        OWN_REQUIREMENTS: "".join(f"{line}\n" for line in lines),
        CONSTRAINTS: "".join(f"{line}\n" for line in runtime_ranges()),
    }


def _line(requirement: str) -> str:
    """Return a requirement with a wheel's path in the agent's folder."""
    wheel = WHEEL.fullmatch(requirement)
    return wheel.expand(rf"./{WHEELS}/\g<file>\g<extras>") if wheel else requirement


def pins_in(lock: str) -> dict[str, str]:
    """Return versions by normalised name."""
    return {canonicalize_name(name): version for name, version in PINNED.findall(lock)}


def top_level_names() -> frozenset[str]:
    """Return the names by which the runtime and the locked packages are imported."""
    names = {name.replace("-", "_") for name in pins_in(tested_lock())}
    # opentelemetry-api is imported as opentelemetry.
    return frozenset({PACKAGE, *names, *(name.removesuffix("_api") for name in names)})


def _texts(folder: Path, *patterns: str) -> Iterator[tuple[str, str]]:
    """Yield the modules, and what else matches."""
    others = [path for pattern in patterns for path in folder.glob(pattern)]
    for path in sorted([*folder.rglob("*.py"), *others]):
        yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def tested_lock() -> str:
    """Return the lock of the runtime, with which it is tested."""
    return (RUNTIME / LOCK).read_text(encoding="utf-8")


def runtime_ranges() -> list[str]:
    """Return the requirements of the runtime: all versions with which it works."""
    lines = (RUNTIME / RANGES).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
