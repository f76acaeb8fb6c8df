"""The rules of the call that renews many leases: each by its own token, and each told apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import Throttled

from agents.api.authentication import LeaseTokenRefused
from agents.api.errors import AgentNotFound, LeaseHeldByAnother
from agents.api.permissions import is_open
from agents.api.throttling import count_heartbeat
from agents.leases import Renewal, Renewed, StaleLease, UnknownAgent
from agents.metrics import counters
from agents.states import State
from agents.tokens import lease as lease_tokens

MAX_AGENTS = 1_000


@dataclass
class Admitted:
    """Who may be renewed by a call, and who not: without a good token, or too often."""

    renewals: list[Renewal] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    throttled: list[str] = field(default_factory=list)


def admit(leases: Iterable[tuple[str, str | None]], address: str | None) -> Admitted:
    """Judge the leases of a call, each by its agent's id and its token, if it shows one."""
    admitted = Admitted()
    needs_token = not is_open()
    for agent_id, token in leases:
        generation = None
        if token is not None or needs_token:
            try:
                generation = lease_tokens.verify(agent_id, token or "")
            except lease_tokens.InvalidLeaseToken:
                admitted.refused.append(agent_id)
                counters.count_refusal(LeaseTokenRefused.default_code)
                continue
        if count_heartbeat(agent_id, token) is None:
            admitted.renewals.append(Renewal(agent_id, generation, address))
        else:
            admitted.throttled.append(agent_id)
            counters.count_refusal(Throttled.default_code)
    return admitted


def tell(admitted: Admitted, outcomes: Sequence[Renewed | Exception]) -> dict[str, Any]:
    """Return the answer. Raise what became of one, if that is no fault of the caller's."""
    answer: dict[str, Any] = {
        "renewed": 0,
        "unknown": [],
        "refused": admitted.refused,
        "throttled": admitted.throttled,
        "states": {},
    }
    for renewal, outcome in zip(admitted.renewals, outcomes, strict=True):
        if isinstance(outcome, Renewed):
            answer["renewed"] += 1
            if outcome.state != State.ACTIVE:
                answer["states"][renewal.agent_id] = outcome.state
        elif isinstance(outcome, StaleLease):
            answer["refused"].append(renewal.agent_id)
            counters.count_refusal(LeaseHeldByAnother.default_code)
        elif isinstance(outcome, UnknownAgent):
            answer["unknown"].append(renewal.agent_id)
            counters.count_refusal(AgentNotFound.default_code)
        else:
            raise outcome
    return answer
