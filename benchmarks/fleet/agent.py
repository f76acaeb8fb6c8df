"""A simulated agent, and what the registry must report about it at a given time."""

from collections.abc import Callable
from enum import Enum

from benchmarks.wire.pool import Answer

# Seconds after the end of its lease within which a dead agent must leave the listing.
MOST_LATE = 1.0


class Phase(Enum):
    """`DEAD`: it crashed without deregistering."""

    WAITING = "waiting"
    REGISTERING = "registering"
    LIVING = "living"
    DEAD = "dead"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Agent:
    """Times are by time.monotonic().

    The last renewal was sent at `asked` and acknowledged at `answered`; the registry's clock was
    read in between. `registered` and `stopped`: when these were acknowledged. `due`: the next
    heartbeat.
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
        # Bound once, not for each heartbeat.
        self.beat: Callable[[], None]
        self.beaten: Callable[[Answer], None]

    def renewed(self, asked: float, answered: float) -> None:
        self.asked, self.answered = asked, answered

    def may_not_be_gone(self, answered: float, ttl: float) -> bool:
        """Whether a response received at `answered` must show the agent alive."""
        return answered <= self.asked + ttl

    def has_to_be_gone(self, asked: float, ttl: float) -> bool:
        """Whether the response to a request sent at `asked` must not show the agent alive."""
        return asked >= self.answered + ttl + MOST_LATE
