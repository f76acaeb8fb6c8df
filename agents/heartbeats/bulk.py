"""Heartbeats of many agents in one call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import Throttled, ValidationError

from agents.heartbeats.admission import admit
from agents.heartbeats.serializers import InvalidLease, InvalidLeaseSerializer
from agents.leases import Renewal, Renewed, StaleLease, UnknownAgent
from agents.metrics import counters
from agents.problems.errors import AgentNotFound, LeaseHeldByAnother, LeaseTokenRefused
from agents.rate_limits import RateExceeded
from agents.serializers.cached import represent
from agents.states import State
from agents.tokens.lease import InvalidLeaseToken


@dataclass
class Admitted:
    renewals: list[Renewal] = field(default_factory=list)
    invalid: list[InvalidLease] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    throttled: list[str] = field(default_factory=list)


def admit_many(
    leases: Iterable[tuple[str, str | None] | InvalidLease], address: str | None
) -> Admitted:
    admitted = Admitted()
    for lease in leases:
        if isinstance(lease, InvalidLease):
            admitted.invalid.append(lease)
            counters.count_refusal(ValidationError.default_code)
            continue
        agent_id, token = lease
        try:
            generation = admit(agent_id, token)
        except InvalidLeaseToken:
            admitted.refused.append(agent_id)
            counters.count_refusal(LeaseTokenRefused.default_code)
        except RateExceeded:
            admitted.throttled.append(agent_id)
            counters.count_refusal(Throttled.default_code)
        else:
            admitted.renewals.append(Renewal(agent_id, generation, address))
    return admitted


def bulk_answer(admitted: Admitted, outcomes: Sequence[Renewed | Exception]) -> dict[str, Any]:
    """Return what ManyRenewedSerializer describes. Raise an outcome that is our fault."""
    answer: dict[str, Any] = {
        "renewed": 0,
        "unknown": [],
        "refused": admitted.refused,
        "invalid": [represent(InvalidLeaseSerializer, lease) for lease in admitted.invalid],
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
