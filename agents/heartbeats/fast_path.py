import time
from collections.abc import Iterator, Sequence
from typing import Any

from agents.fast_path import base
from agents.fast_path.front import Caller
from agents.fast_path.outcomes import HandOver, Response
from agents.heartbeats.admission import admit
from agents.heartbeats.bodies import parse_leases, parse_report
from agents.heartbeats.bulk import Admitted, admit_many, bulk_answer
from agents.heartbeats.calls import Call, Outcome
from agents.heartbeats.group_commit import GroupCommit
from agents.heartbeats.request_parser import Heartbeat, parse_heartbeat
from agents.heartbeats.serializers import RenewedSerializer
from agents.leases import Renewal, Renewed
from agents.metrics import counters
from agents.rate_limits import RateExceeded
from agents.serializers.cached import represent
from agents.tokens.lease import InvalidLeaseToken


class FastPath(base.FastPath[Call]):
    name = "heartbeat"
    group_commit = GroupCommit

    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Response:
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

    def responses(self, calls: Sequence[Call]) -> Iterator[Response | HandOver]:
        now = time.monotonic()
        counters.HEARTBEAT_SECONDS.observe_all([now - call.arrived for call in calls])
        return super().responses(calls)

    def respond(self, call: Call, shared: dict[Any, bytes]) -> Response:
        caller: Caller = call.caller
        if call.admitted is not None:
            return self._respond_many(caller, call.admitted, call.outcomes)
        [outcome] = call.outcomes
        if not isinstance(outcome, Renewed):
            return self._front.problem(caller, outcome)
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
            return False
        report = parse_report(heartbeat.body)
        if report is None:
            return False
        try:
            generation = admit(agent_id, token)
        except InvalidLeaseToken:
            return False
        except RateExceeded as error:
            return self._front.problem(caller, error)
        renewal = Renewal(agent_id, generation, caller.address, *report)
        return self.offer(Call([renewal], caller))

    def _take_many(self, heartbeat: Heartbeat, caller: Caller) -> bool | Response:
        if heartbeat.client.has_cookie or heartbeat.lease_token is not None:
            return False
        leases = parse_leases(heartbeat.body)
        if leases is None:
            return False
        admitted = admit_many(leases, caller.address)
        if not admitted.renewals:
            return self._respond_many(caller, admitted, [])
        return self.offer(Call(admitted.renewals, caller, admitted))

    def _respond_many(
        self, caller: Caller, admitted: Admitted, outcomes: Sequence[Outcome]
    ) -> Response:
        try:
            answer = bulk_answer(admitted, outcomes)
        except Exception as error:
            return self._front.problem(caller, error)
        content = self._front.responses.ok(answer, caller.headers, keeps_open=caller.keeps_open)
        return Response(caller.caller, content, caller.keeps_open)
