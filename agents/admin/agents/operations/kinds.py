from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents import leases
from agents.models import MAX_EXTENSION_REASON_LENGTH, MAX_REASON_LENGTH, AgentRecord
from agents.querysets import AgentQuerySet
from agents.states import BY_OPERATION, State

OPERATE, REMOVE = "operate", "remove"
UNDO = "Undo, in the message that follows"


@dataclass(frozen=True)
class Operation:
    """`run(agent_id, actor, reason)` returns whether the agent changed. Raises UnknownAgent.

    `done`, `unchanged`: participles for the summary. `restores`: the column that Undo sets back.
    """

    name: str
    run: Callable[..., bool]
    done: str
    effect: str
    agent_sees: str
    undo: str
    unchanged: str = ""
    restores: str = ""
    permission: str = OPERATE
    state: State | None = None
    reason_length: int = MAX_REASON_LENGTH
    expired_only: bool = False
    is_destructive: bool = False

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def label(self) -> str:
        return f"{self.title}{' expired' if self.expired_only else ''}…"

    def applicable(self, chosen: AgentQuerySet) -> AgentQuerySet:
        return chosen.expired() if self.expired_only else chosen

    def would_change(self, agent: AgentRecord, *, is_alive: bool) -> bool:
        return self.state != agent.state and not (self.expired_only and is_alive)


def _extend(**arguments: Any) -> bool:
    leases.extend(**arguments)
    return True


def _deregister(**arguments: Any) -> bool:
    leases.deregister(**arguments)
    return True


def _set(state: State) -> Operation:
    others = [other for other in BY_OPERATION if other.is_default != state.is_default]
    return Operation(
        name=state.verb,
        run=partial(leases.set_state, state=state),
        done=state.event,
        effect=state.effect,
        agent_sees=f"The response to the next heartbeat says that the state is {state}.",
        undo=f"{UNDO}, or {' or '.join(other.verb.capitalize() for other in others)}",
        unchanged=state,
        restores="state",
        state=state,
    )


_REMOVED = "If it is still running, its next heartbeat gets a 404, and it registers again."
_REGISTERING = "Only the agent itself can, by registering again"
_OPERATIONS = [
    *map(_set, BY_OPERATION),
    Operation(
        name="extend",
        run=_extend,
        done="extended",
        effect="The lease is renewed once on the agent's behalf and ends one TTL from now; an "
        "expired agent is alive again until then. Without a heartbeat it expires as usual.",
        agent_sees="Nothing. It keeps its lease and its report.",
        undo=f"{UNDO}; it also ends by itself",
        restores="last_heartbeat",
        reason_length=MAX_EXTENSION_REASON_LENGTH,
    ),
    Operation(
        name="purge",
        run=leases.purge_one,
        done="purged",
        effect="The agent's record is deleted if it is still expired by then. The history is "
        "kept; the operator state is lost.",
        agent_sees=_REMOVED,
        undo=_REGISTERING,
        permission=REMOVE,
        expired_only=True,
        is_destructive=True,
    ),
    Operation(
        name="deregister",
        run=_deregister,
        done="deregistered",
        effect="The agent's record is deleted even if it is alive. The history is kept; the "
        "operator state is lost.",
        agent_sees=f"{_REMOVED} To stop it from getting work, drain or quarantine it instead.",
        undo=_REGISTERING,
        permission=REMOVE,
        is_destructive=True,
    ),
]
OPERATIONS = {operation.name: operation for operation in _OPERATIONS}
