"""What every agent gets unchanged: the package `agent_runtime` and its requirements."""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

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

LOCK = "requirements.txt"
OWN_REQUIREMENTS = "requirements-agent.txt"
# The wheels from beside the spec; image/assembly.py leaves the folder out of the image.
WHEELS = "requirements-wheels"
# The lock without hashes: with them, pip would demand some for the author's packages too.
CONSTRAINTS = "constraints.txt"
PINNED = re.compile(r"(?m)^([A-Za-z0-9][^\s;]*==[^\s;\\]+(?:\s*;[^\\\n]*?)?)\s*\\?$")


def package_files(*, with_registry: bool, with_traces: bool = False) -> dict[str, str]:
    """Return texts by path in the agent's folder."""
    files = {
        name: text
        for name, text in _modules(RUNTIME)
        if (with_registry or not name.startswith(REGISTRY_FOLDER))
        and (with_traces or not name.startswith(TRACING_FOLDER))
    }
    files |= {f"{IMAGE_FOLDER}/{name}": text for name, text in _modules(IMAGE)}
    if with_registry:
        del files[CLIENT_MODULE]
        files |= {f"{CLIENT_FOLDER}/{name}": text for name, text in _modules(CLIENT)}
    return {f"{PACKAGE}/{name}": text for name, text in files.items()}


def requirement_files(spec: AgentSpec) -> dict[str, str]:
    """Return the lock, and what the author's requirements need beside it."""
    lock = _lock()
    files = {LOCK: lock}
    if spec.requirements:
        lines = [
            *([f"--index-url {spec.index_url}"] if spec.index_url else []),
            *(f"--extra-index-url {url}" for url in spec.extra_index_urls),
            *map(_line, spec.requirements),
        ]
        files[OWN_REQUIREMENTS] = "".join(f"{line}\n" for line in lines)
        files[CONSTRAINTS] = "".join(f"{pin.strip()}\n" for pin in PINNED.findall(lock))
    return files


def _line(requirement: str) -> str:
    """Return a requirement with a wheel's path in the agent's folder."""
    wheel = WHEEL.fullmatch(requirement)
    return wheel.expand(rf"./{WHEELS}/\g<file>\g<extras>") if wheel else requirement


def locked_requirements() -> list[Requirement]:
    return [Requirement(pin) for pin in PINNED.findall(_lock())]


def top_level_names() -> frozenset[str]:
    """Return the names by which the runtime and the locked packages are imported."""
    names = {each.name.lower().replace("-", "_") for each in locked_requirements()}
    # opentelemetry-api is imported as opentelemetry.
    return frozenset({PACKAGE, *names, *(name.removesuffix("_api") for name in names)})


def _modules(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def _lock() -> str:
    return (RUNTIME / LOCK).read_text(encoding="utf-8")
