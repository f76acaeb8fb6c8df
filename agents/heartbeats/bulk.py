from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import APIException, Throttled, ValidationError

from agents.heartbeats.admission import admitter
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
    admit = admitter()
    admitted = Admitted()
    for lease in leases:
        if isinstance(lease, InvalidLease):
            admitted.invalid.append(lease)
            continue
        agent_id, token = lease
        try:
            generation = admit(agent_id, token)
        except InvalidLeaseToken:
            admitted.refused.append(agent_id)
        except RateExceeded:
            admitted.throttled.append(agent_id)
        else:
            admitted.renewals.append(Renewal(agent_id, generation, address))
    _count_refusals(ValidationError, admitted.invalid)
    _count_refusals(LeaseTokenRefused, admitted.refused)
    _count_refusals(Throttled, admitted.throttled)
    return admitted


def bulk_answer(admitted: Admitted, outcomes: Sequence[Renewed | Exception]) -> dict[str, Any]:
    """Return what ManyRenewedSerializer describes. Raise outcomes that are the registry's fault."""
    renewed = 0
    states: dict[str, str] = {}
    unknown: list[str] = []
    stale: list[str] = []
    for renewal, outcome in zip(admitted.renewals, outcomes, strict=True):
        if isinstance(outcome, Renewed):
            renewed += 1
            if outcome.state != State.ACTIVE:
                states[renewal.agent_id] = outcome.state
        elif isinstance(outcome, StaleLease):
            stale.append(renewal.agent_id)
        elif isinstance(outcome, UnknownAgent):
            unknown.append(renewal.agent_id)
        else:
            raise outcome
    _count_refusals(LeaseHeldByAnother, stale)
    _count_refusals(AgentNotFound, unknown)
    return {
        "renewed": renewed,
        "unknown": unknown,
        "refused": admitted.refused + stale,
        "invalid": [represent(InvalidLeaseSerializer, lease) for lease in admitted.invalid],
        "throttled": admitted.throttled,
        "states": states,
    }


def _count_refusals(error: type[APIException], refused: Sequence[Any]) -> None:
    if refused:
        counters.count_refusal(error.default_code, len(refused))
