"""Answers ordinary heartbeats without Django."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agents.fast_path.front import Caller, Front
from agents.fast_path.outcomes import Response
from agents.fast_path.responses import fallback_fault
from agents.heartbeats.admission import admit
from agents.heartbeats.bodies import parse_leases, parse_report
from agents.heartbeats.bulk import Admitted, admit_many, bulk_answer
from agents.heartbeats.calls import Call, Outcome
from agents.heartbeats.group_commit import GroupCommit
from agents.heartbeats.request_parser import Heartbeat, parse_heartbeat
from agents.heartbeats.serializers import RenewedSerializer
from agents.leases import Renewal, Renewed
from agents.problems.errors import TooBusy
from agents.rate_limits import RateExceeded
from agents.serializers.cached import represent
from agents.tokens.lease import InvalidLeaseToken

logger = logging.getLogger("agents.heartbeats")


class FastPath:
    """`commits` delivers the calls that `responses` answers."""

    def __init__(self, commits: GroupCommit, front: Front) -> None:
        self._commits = commits
        self._front = front

    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Response:
        """Return the response, True if it follows in `responses`, False if Django has to answer."""
        heartbeat = parse_heartbeat(request)
        if heartbeat is None:
            return False
        accepted = self._front.accept(
            heartbeat.client, peer, caller, may_keep_open, heartbeat.lease_token is not None
        )
        if accepted is None:
            return False
        if heartbeat.agent_id is None:
            return self._take_many(heartbeat, accepted)
        return self._take_one(heartbeat, heartbeat.agent_id, accepted)

    def flush(self) -> float:
        """No more requests are at hand: commit, or return in how many seconds to flush again."""
        return self._commits.flush()

    def responses(self, calls: Iterable[Call]) -> Iterator[Response]:
        self._commits.delivered()
        shared: dict[tuple[int, int, bool], bytes] = {}
        for call in calls:
            try:
                response = self._respond(call, shared)
            except Exception:  # one caller's problem
                logger.exception("a heartbeat could not be answered")
                caller: Caller = call.caller
                content = fallback_fault(keeps_open=caller.keeps_open)
                response = Response(caller.caller, content, caller.keeps_open)
            yield response

    def _respond(self, call: Call, shared: dict[tuple[int, int, bool], bytes]) -> Response:
        caller: Caller = call.caller
        if call.admitted is not None:
            return self._respond_many(caller, call.admitted, call.outcomes)
        [outcome] = call.outcomes
        if not isinstance(outcome, Renewed):
            return self._front.problem(caller, outcome)
        # Agents of equal TTL share an outcome, and so a response.
        key = id(outcome), id(caller.headers), caller.keeps_open
        if key not in shared:
            answer = represent(RenewedSerializer, outcome)
            shared[key] = self._front.responses.ok(
                answer, caller.headers, keeps_open=caller.keeps_open
            )
        return Response(caller.caller, shared[key], caller.keeps_open)

    def _take_one(self, heartbeat: Heartbeat, agent_id: str, caller: Caller) -> bool | Response:
        token = heartbeat.lease_token
        if token is None and heartbeat.client.has_cookie:
            return False  # perhaps a staff session
        report = parse_report(heartbeat.body)
        if report is None:
            return False
        try:
            generation = admit(agent_id, token)
        except InvalidLeaseToken:
            return False  # Django's response says what is wrong
        except RateExceeded as error:
            return self._front.problem(caller, error)
        renewal = Renewal(agent_id, generation, caller.address, *report)
        return self._offer(Call([renewal], caller))

    def _take_many(self, heartbeat: Heartbeat, caller: Caller) -> bool | Response:
        if heartbeat.client.has_cookie or heartbeat.lease_token is not None:
            return False
        leases = parse_leases(heartbeat.body)
        if leases is None:
            return False
        admitted = admit_many(leases, caller.address)
        if not admitted.renewals:
            return self._respond_many(caller, admitted, [])
        return self._offer(Call(admitted.renewals, caller, admitted))

    def _offer(self, call: Call) -> bool | Response:
        return self._commits.offer(call) or self._front.problem(call.caller, TooBusy())

    def _respond_many(
        self, caller: Caller, admitted: Admitted, outcomes: Sequence[Outcome]
    ) -> Response:
        try:
            answer = bulk_answer(admitted, outcomes)
        except Exception as error:
            return self._front.problem(caller, error)
        content = self._front.responses.ok(answer, caller.headers, keeps_open=caller.keeps_open)
        return Response(caller.caller, content, caller.keeps_open)
