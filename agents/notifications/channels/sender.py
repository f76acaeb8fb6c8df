from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Self

from agents.encryption import Undecipherable
from agents.models import Channel, Delivery
from agents.notifications.channels.secrets import Keys, read_keys
from agents.notifications.delivery.outcomes import Outcome
from agents.outbound.networks import Networks

LOST = "its URL cannot be decrypted by the keys of this registry: enter it again"


class Sender(ABC):
    """A context manager, for messages to one channel."""

    batch_size: ClassVar[int]

    def __init__(self, channel: Channel, networks: Networks) -> None:
        self.channel = channel
        self.networks = networks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, deliveries: Sequence[Delivery], now: datetime) -> Sequence[Outcome]:
        """Return outcomes, in order. The rest were not attempted.

        `now`: the database's time.
        """
        try:
            keys = read_keys(self.channel, now)
        except Undecipherable:
            return [Outcome.failed(LOST)]
        return self.send_with(keys, deliveries, now)

    @abstractmethod
    def send_with(
        self, keys: Keys, deliveries: Sequence[Delivery], now: datetime
    ) -> Sequence[Outcome]: ...

    def close(self) -> None: ...  # noqa: B027 - most have nothing to close
