"""One server under one kind of load."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.heartbeats.load import Target


@dataclass(frozen=True)
class Workspace:
    """`folder`: for the contestant's files. `environments`: for packages to keep between runs.

    `web_processes`: of servers that run as several processes.
    """

    folder: Path
    environments: Path
    agents: int
    web_processes: int = 1


@dataclass(frozen=True)
class Contestant:
    """`processes`: ids of the server and its database, without their children.

    `heartbeats`: per request.
    """

    name: str
    what: str
    target: Target
    connections: int
    processes: Sequence[int]
    heartbeats: int = 1


# Raises Missing.
Setup = Callable[[Workspace], AbstractContextManager[Sequence[Contestant]]]
