import re
from http import HTTPStatus
from typing import Any

from agents.fast_path import base
from agents.fast_path.front import Caller
from agents.fast_path.outcomes import HandOver, Response
from agents.fast_path.request_head import parse_request
from agents.registrations.admission import IS_COUNTED
from agents.registrations.bodies import parse_registration
from agents.registrations.calls import Call, ForDjango
from agents.registrations.group_commit import GroupCommit
from agents.serializers.agent import RegisteredAgentSerializer
from agents.serializers.cached import represent

REQUEST_LINE = re.compile(rb"POST /agents/register/? HTTP/1\.([01])\r\n")
ACCESS_TOKEN = re.compile(rb"(?<=\r\n)[Aa]uthorization:[ ]?[Bb]earer ([!-~]+)\r\n")


class FastPath(base.FastPath[Call]):
    name = "registration"
    group_commit = GroupCommit

    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Response:
        line = REQUEST_LINE.match(request)
        parts = None if line is None else parse_request(request, line, ACCESS_TOKEN)
        if parts is None or parts.client.has_cookie or parts.client.has_authorization:
            return False
        accepted = self._front.accept(
            parts.client, peer, caller, may_keep_open, parts.credential is not None
        )
        fields = None if accepted is None else parse_registration(parts.body)
        if accepted is None or fields is None:
            return False
        return self.offer(Call(fields, parts.credential, accepted.address, accepted, request))

    def respond(self, call: Call, shared: dict[Any, bytes]) -> Response | HandOver:  # noqa: ARG002
        caller: Caller = call.caller
        outcome = call.outcome
        if isinstance(outcome, ForDjango):
            environ = {IS_COUNTED: True} if outcome.is_counted else {}
            return HandOver(caller.caller, call.request, environ)
        if isinstance(outcome, Exception):
            return self._front.problem(caller, outcome)
        assert outcome is not None  # noqa: S101
        content = self._front.responses.ok(
            represent(RegisteredAgentSerializer, outcome.agent),
            caller.headers,
            keeps_open=caller.keeps_open,
            status=HTTPStatus.CREATED if outcome.created else HTTPStatus.OK,
        )
        return Response(caller.caller, content, caller.keeps_open)
