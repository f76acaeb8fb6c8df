"""One server under one kind of load."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.heartbeats.load import Load, Target, run

HEARTBEATS = "heartbeats"
REGISTRATIONS = "registrations"


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
class Contestant(ABC):
    """`processes`: ids of the server and its database, without their children.

    `counts`: what a request does, `HEARTBEATS` or `REGISTRATIONS`; `per_request`: how many.
    """

    name: str
    what: str
    processes: Sequence[int]
    per_request: float = field(default=1, kw_only=True)
    counts: str = field(default=HEARTBEATS, kw_only=True)

    @abstractmethod
    def run(self, seconds: float) -> Load:
        """Keep it busy for `seconds`."""


@dataclass(frozen=True)
class HttpContestant(Contestant):
    target: Target
    connections: int

    def run(self, seconds: float) -> Load:
        return run(self.target, self.connections, seconds)


# Raises Missing.
Setup = Callable[[Workspace], AbstractContextManager[Sequence[Contestant]]]
