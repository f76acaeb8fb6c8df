"""An agent, and what its registry must say about it at which time."""

from collections.abc import Callable
from enum import Enum

from benchmarks.wire.pool import Answer

# An agent that dies has to be out of the listing so many seconds after the end of its lease.
MOST_LATE = 1.0


class Phase(Enum):
    """What an agent is at. `DEAD`: it was killed, and said nothing."""

    WAITING = "waiting"
    REGISTERING = "registering"
    LIVING = "living"
    DEAD = "dead"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Agent:
    """One agent. Times are time.monotonic()'s.

    Its lease was last renewed between `asked` and `answered`: at some moment between the two, the
    registry has read its clock. `registered`: when its registration was acknowledged. `due`: when
    its next heartbeat is. `stopped`: when its deregistration was acknowledged.
    """

    __slots__ = (
        "agent_id",
        "answered",
        "asked",
        "beat",
        "beaten",
        "due",
        "heartbeat",
        "phase",
        "registered",
        "stopped",
        "token",
        "under_way",
    )

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.phase = Phase.WAITING
        self.token = ""
        self.heartbeat = b""
        self.asked = self.answered = self.registered = self.due = self.stopped = 0.0
        self.under_way = False
        # Made once, not for each heartbeat.
        self.beat: Callable[[], None]
        self.beaten: Callable[[Answer], None]

    def renewed(self, asked: float, answered: float) -> None:
        self.asked, self.answered = asked, answered

    def may_not_be_gone(self, answered: float, ttl: float) -> bool:
        """Whether an answer that came at that time has to have it alive."""
        return answered <= self.asked + ttl

    def has_to_be_gone(self, asked: float, ttl: float) -> bool:
        """Whether the answer to what was asked at that time may not have it alive."""
        return asked >= self.answered + ttl + MOST_LATE
