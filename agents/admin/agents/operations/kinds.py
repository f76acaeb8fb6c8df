"""What can be done to agents, in the words of the page that asks before it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents import leases
from agents.models import MAX_EXTENSION_REASON_LENGTH, MAX_REASON_LENGTH, AgentRecord
from agents.querysets import AgentQuerySet

State = AgentRecord.State

# Does it to one agent; returns whether it changed anything, and raises UnknownAgent.
Deed = Callable[..., bool]


@dataclass(frozen=True)
class Operation:
    """`done`: how an agent is called to which it was done; `already`, to which it was before.

    What it brings about, what the agent notices and how it is undone are said of each agent.
    """

    name: str
    deed: Deed
    done: str
    already: str
    brings: str
    notices: str
    undone: str
    reason_length: int = MAX_REASON_LENGTH
    expired_only: bool = False
    # Whether its button is that of something that cannot be taken back.
    is_grave: bool = False

    @property
    def title(self) -> str:
        return self.name.capitalize()

    def concerned(self, chosen: AgentQuerySet) -> AgentQuerySet:
        """Keep those of the chosen agents to which it would be done."""
        return chosen.expired() if self.expired_only else chosen


def _extend(**who: Any) -> bool:
    leases.extend(**who)
    return True


def _deregister(**who: Any) -> bool:
    leases.deregister(**who)
    return True


_KINDS = [
    Operation(
        name="drain",
        deed=partial(leases.set_state, state=State.DRAINING),
        done="drained",
        already="draining",
        brings="It stays registered and listed, as draining: whoever looks for an agent to give "
        "work to passes it by. Nothing that it is at work on is cut off.",
        notices="The answer to its next heartbeat says that it is draining. Its own report stays "
        "its own.",
        undone="Resume",
    ),
    Operation(
        name="quarantine",
        deed=partial(leases.set_state, state=State.QUARANTINED),
        done="quarantined",
        already="quarantined",
        brings="It stays registered and listed, as quarantined: it is set apart, and nobody is to "
        "call it.",
        notices="The answer to its next heartbeat says that it is quarantined. It keeps its lease "
        "as long as it sends heartbeats.",
        undone="Resume",
    ),
    Operation(
        name="resume",
        deed=partial(leases.set_state, state=State.ACTIVE),
        done="resumed",
        already="active",
        brings="It is neither draining nor quarantined any more, and is given work again.",
        notices="The answer to its next heartbeat says that it is active.",
        undone="Drain or Quarantine",
    ),
    Operation(
        name="extend",
        deed=_extend,
        done="extended",
        already="",
        brings="Its lease is renewed once in its place, and ends a whole TTL from now; an expired "
        "agent is alive until then. Unless a heartbeat comes, it expires all the same.",
        notices="Nothing: it goes on with its lease, and its own report stays.",
        undone="nothing; it ends by itself",
        reason_length=MAX_EXTENSION_REASON_LENGTH,
    ),
    Operation(
        name="purge",
        deed=leases.purge_one,
        done="purged",
        already="",
        brings="Its record is deleted, if it has expired by then; the history stays. What an "
        "operator said of it, such as to drain it, is forgotten.",
        notices="If it still runs, its next heartbeat is answered with 404, and it registers "
        "again.",
        undone="the agent alone, by registering again",
        expired_only=True,
        is_grave=True,
    ),
    Operation(
        name="deregister",
        deed=_deregister,
        done="deregistered",
        already="",
        brings="Its record is deleted, also if it is alive; the history stays. What an operator "
        "said of it, such as to drain it, is forgotten.",
        notices="If it still runs, its next heartbeat is answered with 404, and it registers "
        "again. To keep it from being given work, drain or quarantine it instead.",
        undone="the agent alone, by registering again",
        is_grave=True,
    ),
]
OPERATIONS = {kind.name: kind for kind in _KINDS}
