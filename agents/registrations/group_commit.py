from collections.abc import Mapping, Sequence

from rest_framework.exceptions import PermissionDenied

from agents import leases
from agents.fast_path import group_commit
from agents.rate_limits import RateExceeded
from agents.registrations.admission import count_agent, count_callers, enrolment_by, recognise
from agents.registrations.calls import Call, ForDjango
from agents.tokens import right_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.cache import Access
from agents.tokens.enrollment import ANYBODY, Enrolment

# A wrong token takes a query, and delays the batch.
MAX_NEW_TOKENS = 20


class GroupCommit(group_commit.GroupCommit[Call]):
    name = "registration"

    def write(self, calls: Sequence[Call]) -> None:
        enrolments = _enrolments(calls)
        _count({call: one for call, one in enrolments.items() if not call.is_counted})
        chosen = {call.agent_id: call for call in reversed(enrolments) if call.outcome is None}
        if not chosen:
            return
        applications = [
            leases.Application(call.fields, call.address, enrolments[call])
            for call in chosen.values()
        ]
        registered = leases.register_many(applications)
        for agent_id, call in chosen.items():
            # Django waits for locked records, and says who holds an id.
            call.outcome = registered.get(agent_id) or ForDjango(is_counted=True)


def _enrolments(calls: Sequence[Call]) -> dict[Call, Enrolment]:
    accesses = _accesses(calls)
    enrolments = {}
    for call in calls:
        if call.token is None:
            enrolment = ANYBODY if is_open() else None
        else:
            enrolment = _enrolment(accesses[call.token], call.agent_id)
        if enrolment is None:
            call.outcome = ForDjango(is_counted=call.is_counted)
        else:
            enrolments[call] = enrolment
    return enrolments


def _accesses(calls: Sequence[Call]) -> dict[str, Access | None]:
    addresses = {call.token: call.address for call in reversed(calls) if call.token is not None}
    new = [token for token in addresses if not right_tokens.was_right(token)]
    too_many = set(new[MAX_NEW_TOKENS:])
    return {
        token: None if token in too_many else recognise(token, address)
        for token, address in addresses.items()
    }


def _enrolment(access: Access | None, agent_id: str) -> Enrolment | None:
    # Counting a token's agents would take locks.
    if access is None or not access.may_register or access.max_agents is not None:
        return None
    try:
        return enrolment_by(access, agent_id)
    except PermissionDenied:
        return None


def _count(enrolments: Mapping[Call, Enrolment]) -> None:
    refusals = count_callers((one.token, call.address) for call, one in enrolments.items())
    for call, refusal in zip(enrolments, refusals, strict=True):
        call.is_counted = True
        if refusal is not None:
            call.outcome = RateExceeded(refusal)
            continue
        try:
            count_agent(call.agent_id)
        except RateExceeded as error:
            call.outcome = error
