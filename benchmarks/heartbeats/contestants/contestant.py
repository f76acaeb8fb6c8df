"""One server under one kind of load."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.heartbeats.load import Target


@dataclass(frozen=True)
class Ground:
    """What a contestant gets: a folder of its own for all it writes, and how many agents it has.

    `environments` is where it may keep what it has to download.
    """

    folder: Path
    environments: Path
    agents: int


@dataclass(frozen=True)
class Contestant:
    """`processes`: those of the server and of its database, without what they started themselves.

    `heartbeats`: how many there are in one request.
    """

    name: str
    what: str
    target: Target
    connections: int
    processes: Sequence[int]
    heartbeats: int = 1


# Raises Missing.
Setup = Callable[[Ground], AbstractContextManager[Sequence[Contestant]]]
