"""A simulated agent, which keeps to the pauses of the client in `deploygen`."""

from collections.abc import Callable

from benchmarks.wire.pool import Response
from deploygen.client.registration.pacing import Pacing, Schedule

PACING = Pacing()


class Agent:
    """`heartbeat`: the request. `generation`: of the last acknowledged registration, 0 before.
    `is_in_doubt`: a registration without a response may be the newest one.

    `renewed`: when the last acknowledged call was sent. `due`: the next call. Both are by
    time.monotonic().
    """

    __slots__ = (
        "act",
        "agent_id",
        "due",
        "generation",
        "handle_heartbeat",
        "handle_registration",
        "heartbeat",
        "is_in_doubt",
        "number",
        "renewed",
        "schedule",
    )

    # Bound once, not for each call.
    act: Callable[[], None]
    handle_heartbeat: Callable[[Response], None]
    handle_registration: Callable[[Response], None]

    def __init__(self, number: int, agent_id: str, interval: float, ttl: int) -> None:
        self.number = number
        self.agent_id = agent_id
        self.schedule = Schedule(interval, ttl, PACING)
        self.heartbeat = b""
        self.generation = 0
        self.is_in_doubt = False
        self.renewed = self.due = 0.0

    @property
    def is_registered(self) -> bool:
        return self.generation > 0
