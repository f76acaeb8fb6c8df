"""One worker at a time delivers to a channel, to keep an agent's messages in order."""

from datetime import timedelta
from uuid import uuid4

from django.db.models import Q

from agents.database.clock import DatabaseNow
from agents.models import Channel

# Longer than a batch takes. After this, another worker takes over.
TURN = timedelta(seconds=30)


class ChannelTurn:
    def __init__(self, channel_id: int) -> None:
        self._name = str(uuid4())
        self._channel = Channel.objects.filter(pk=channel_id)

    def take(self) -> bool:
        """Return whether it is this worker's turn, which lasts until `release` or for TURN."""
        now = DatabaseNow()
        free = Q(held_until=None) | Q(held_until__lte=now) | Q(holder=self._name)
        mine = self._channel.filter(free, is_enabled=True)
        return bool(mine.update(holder=self._name, held_until=now + TURN))

    def release(self) -> None:
        self._channel.filter(holder=self._name).update(holder="", held_until=None)
