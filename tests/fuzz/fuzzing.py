"""The common part of all fuzzers: turns, minimised failures, and files to replay them."""

import base64
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

# Limits for minimising an input.
MOST_TRIES = 60
MOST_SECONDS = 20.0
# How many bytes of a piece are shown in a file.
LONGEST_SHOWN = 2_000


@dataclass(frozen=True)
class Failure:
    """`pieces` are the minimised input; empty if only `problem` describes it."""

    fuzzer: str
    seed: int
    number: int
    problem: str
    pieces: tuple[bytes, ...] = ()

    @property
    def likeness(self) -> str:
        """A key that failures with the same cause are likely to share."""
        return f"{self.fuzzer}: {re.sub(r'[0-9]+', '0', self.problem)[:120]}"

    def write(self, folder: Path) -> Path:
        """Write it to a file that `read` takes; return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.fuzzer}-{self.seed}-{self.number}.json"
        fields = {
            "fuzzer": self.fuzzer,
            "seed": self.seed,
            "number": self.number,
            "problem": self.problem,
            "shown": [repr(piece[:LONGEST_SHOWN]) for piece in self.pieces],
            "pieces": [base64.b64encode(piece).decode() for piece in self.pieces],
        }
        path.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> "Failure":
        fields = json.loads(path.read_text(encoding="utf-8"))
        del fields["shown"]
        fields["pieces"] = tuple(base64.b64decode(piece) for piece in fields["pieces"])
        return cls(**fields)


@dataclass(frozen=True)
class Turn:
    """The limit of one fuzzer's turn: a time, or a number of inputs."""

    until: float = float("inf")
    inputs: int | None = None

    def goes_on(self, tried: int) -> bool:
        return time.monotonic() < self.until and (self.inputs is None or tried < self.inputs)


class Fuzzer(Protocol):
    """Tries inputs, in the same order for the same seed."""

    tried: int
    failures: list[Failure]

    @property
    def name(self) -> str: ...

    def take(self, turn: Turn) -> None:
        """Try more inputs; add to `tried` and to `failures`."""

    def replay(self, failure: Failure) -> str | None:
        """Try the input of a failure again; return the problem, or None."""


class Surface(Protocol):
    """A target for inputs that are lists of pieces."""

    name: str

    def make(self, random: Random) -> Sequence[bytes]:
        """Return an input that depends only on `random`."""

    def check(self, pieces: Sequence[bytes]) -> str | None:
        """Send the input; return the problem with the answer, or None."""

    def check_health(self) -> str | None:
        """Return a problem that the inputs so far have caused, or None."""


@dataclass
class PieceFuzzer:
    """The fuzzer of a surface."""

    surface: Surface
    seed: int
    tried: int = 0
    failures: list[Failure] = field(default_factory=list)
    _alike: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.surface.name

    def take(self, turn: Turn) -> None:
        first = self.tried
        while turn.goes_on(self.tried - first):
            pieces = self.input(self.tried)
            problem = self.surface.check(pieces)
            if problem is not None:
                self._record(problem, pieces)
            self.tried += 1
        problem = self.surface.check_health()
        if problem is not None:
            self._record(f"after inputs {first} to {self.tried - 1}: {problem}", ())

    def input(self, number: int) -> Sequence[bytes]:
        return self.surface.make(Random(f"{self.seed} {self.name} {number}"))

    def replay(self, failure: Failure) -> str | None:
        pieces = failure.pieces or self.input(failure.number)
        return self.surface.check(pieces) or self.surface.check_health()

    def _record(self, problem: str, pieces: Sequence[bytes]) -> None:
        failure = Failure(self.name, self.seed, self.tried, problem, tuple(pieces))
        if failure.likeness in self._alike:
            self.failures.append(failure)
            return
        self._alike.add(failure.likeness)
        smaller = minimised(pieces, lambda fewer: _like(failure, self.surface.check(fewer)))
        if (shown := self.surface.check(smaller) if smaller else None) is not None:
            failure = Failure(self.name, self.seed, self.tried, shown, tuple(smaller))
        self.failures.append(failure)


def minimised(pieces: Sequence[bytes], fails: Callable[[Sequence[bytes]], bool]) -> Sequence[bytes]:
    """Return fewer pieces that still fail, within a limited number of tries."""
    turn = Turn(until=time.monotonic() + MOST_SECONDS, inputs=MOST_TRIES)
    tries = 0
    size = max(len(pieces) // 2, 1)
    while size and turn.goes_on(tries):
        at = 0
        while at < len(pieces) and turn.goes_on(tries):
            fewer = [*pieces[:at], *pieces[at + size :]]
            tries += 1
            if fewer and fails(fewer):
                pieces = fewer
            else:
                at += size
        size //= 2
    return pieces


def _like(failure: Failure, problem: str | None) -> bool:
    if problem is None:
        return False
    return Failure(failure.fuzzer, 0, 0, problem).likeness == failure.likeness
