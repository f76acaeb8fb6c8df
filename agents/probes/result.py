from dataclasses import dataclass
from enum import Enum, auto


class Outcome(Enum):
    ANSWERS = auto()
    NOT_READY = auto()
    UNREACHABLE = auto()
    NOT_ALLOWED = auto()


@dataclass(frozen=True)
class Result:
    """`reason`: for people."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Target:
    agent_id: str
    generation: int
    host: str
    port: int
