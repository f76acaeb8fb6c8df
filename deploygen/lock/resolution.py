import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 600
NO_NETWORK = re.compile(
    r"Retrying \(|ConnectionError|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
    r"|error sending request|Failed to fetch|Connection refused|Network connectivity"
)


@dataclass(frozen=True)
class Package:
    """`name`: normalised; `hashes`: SHA-256; `url`: of a file in no index."""

    name: str
    version: str
    hashes: frozenset[str]
    url: str = ""


@dataclass(frozen=True)
class Question:
    """Lines and options of a requirements file.

    `preferred`: versions by normalised name, kept if possible.
    """

    lines: tuple[str, ...]
    options: tuple[str, ...] = ()
    preferred: dict[str, str] = field(default_factory=dict)


class Unresolved(Exception):
    """A build may succeed.

    `may_be_missing`: the index may have no fitting file.
    """

    def __init__(self, problem: str, *, may_be_missing: bool = False) -> None:
        super().__init__(problem)
        self.may_be_missing = may_be_missing


class Conflict(Exception):
    """No build can succeed. The message is the resolver's."""


def run_resolver(
    name: str,
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Raises Unresolved."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unresolved(f"{name} cannot be run: {error}") from error


def has_no_network(output: str) -> bool:
    return NO_NETWORK.search(output) is not None
