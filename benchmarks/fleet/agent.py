"""A simulated agent, and what the registry must report about it at a given time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from benchmarks.wire.pool import Response

if TYPE_CHECKING:
    from benchmarks.fleet.relay import Batch, Relay

# Seconds after the end of its lease within which a dead agent must leave the listing.
MAX_DEATH_DELAY = 1.0
NO_FIELDS: Mapping[str, Any] = {}


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

    The lease was last renewed between `renewal_sent` and `renewal_received`. `registered` and
    `stopped`: when these were acknowledged. `due`: the next heartbeat. `fields`: more of what it
    registers with.
    """

    __slots__ = (
        "agent_id",
        "batch",
        "due",
        "fields",
        "handle_response",
        "heartbeat",
        "in_flight",
        "phase",
        "registered",
        "relay",
        "renewal_received",
        "renewal_sent",
        "send_heartbeat",
        "stopped",
        "token",
    )

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.phase = Phase.WAITING
        self.token = ""
        self.heartbeat = b""
        self.renewal_sent = self.renewal_received = self.registered = self.due = self.stopped = 0.0
        self.in_flight = False
        self.fields = NO_FIELDS
        # Who sends its heartbeats, if it does not, and in which call.
        self.relay: Relay | None = None
        self.batch: Batch | None = None
        # Bound once, not for each heartbeat.
        self.send_heartbeat: Callable[[], None]
        self.handle_response: Callable[[Response], None]

    @property
    def is_busy(self) -> bool:
        """Whether its heartbeat is in flight."""
        return self.in_flight or (self.batch is not None and self.batch.in_flight)

    def renewed(self, sent: float, received: float) -> None:
        self.renewal_sent, self.renewal_received = sent, received

    def must_be_alive(self, received: float, ttl: float) -> bool:
        """Whether a response received at `received` must show the agent alive."""
        return received <= self.renewal_sent + ttl

    def must_be_gone(self, sent: float, ttl: float) -> bool:
        """Whether the response to a request sent at `sent` must not show the agent alive."""
        return sent >= self.renewal_received + ttl + MAX_DEATH_DELAY
