"""What arrived, compared with what happened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from examples.webhooks.receiver import Received

Event = tuple[str, str]


@dataclass(frozen=True)
class Counts:
    """`delivered`: different messages. `missed`: events that none of them is about."""

    delivered: int
    missed: int
    out_of_order: int
    duplicates: int

    def __str__(self) -> str:
        return (
            f"delivered {self.delivered}, missed {self.missed}, out of order {self.out_of_order}, "
            f"duplicates {self.duplicates}"
        )


def count(happened: Sequence[Event], received: Sequence[Received]) -> Counts:
    """`happened`: agent and kind of each event."""
    first = list({one.message_id: one for one in reversed(received)}.values())[::-1]
    arrived = Counter((one.agent_id, one.kind) for one in first)
    missed = Counter(happened) - arrived
    newest: dict[str, int] = {}
    out_of_order = 0
    for one in first:
        out_of_order += one.number < newest.get(one.agent_id, 0)
        newest[one.agent_id] = max(one.number, newest.get(one.agent_id, 0))
    return Counts(len(first), missed.total(), out_of_order, len(received) - len(first))
