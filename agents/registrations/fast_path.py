"""Answers ordinary registrations without Django."""

import logging
import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple

from agents.fast_path.front import Caller, Front
from agents.fast_path.outcomes import HandOver, Response
from agents.fast_path.request_head import parse_request
from agents.fast_path.responses import fallback_fault
from agents.problems.errors import TooBusy
from agents.registrations.admission import IS_COUNTED
from agents.registrations.bodies import parse_registration
from agents.registrations.calls import Call, ForDjango
from agents.registrations.group_commit import GroupCommit
from agents.serializers.agent import RegisteredAgentSerializer
from agents.serializers.cached import represent

logger = logging.getLogger("agents.registrations")

REQUEST_LINE = re.compile(rb"POST /agents/register/? HTTP/1\.([01])\r\n")
ACCESS_TOKEN = re.compile(rb"(?<=\r\n)[Aa]uthorization:[ ]?[Bb]earer ([!-~]+)\r\n")


class Waiting(NamedTuple):
    caller: Caller
    request: bytes


class FastPath:
    """`commits` delivers the calls that `responses` answers."""

    def __init__(self, commits: GroupCommit, front: Front) -> None:
        self._commits = commits
        self._front = front

    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Response:
        """Return the response, True if it follows in `responses`, False if Django has to answer.

        `peer` is an address.
        """
        line = REQUEST_LINE.match(request)
        parts = None if line is None else parse_request(request, line, ACCESS_TOKEN)
        if parts is None or parts.client.has_cookie or parts.client.has_authorization:
            return False
        accepted = self._front.accept(
            parts.client, peer, caller, may_keep_open, parts.credential is not None
        )
        fields = parse_registration(parts.body)
        if accepted is None or fields is None:
            return False
        call = Call(fields, parts.credential, accepted.address, Waiting(accepted, request))
        return self._commits.offer(call) or self._front.problem(accepted, TooBusy())

    def flush(self) -> float:
        """No more requests are at hand: commit, or return in how many seconds to flush again."""
        return self._commits.flush()

    def responses(self, calls: Iterable[Call]) -> Iterator[Response | HandOver]:
        self._commits.delivered()
        for call in calls:
            try:
                response = self._respond(call)
            except Exception:  # one caller's problem
                logger.exception("a registration could not be answered")
                caller: Caller = call.caller.caller
                content = fallback_fault(keeps_open=caller.keeps_open)
                response = Response(caller.caller, content, caller.keeps_open)
            yield response

    def _respond(self, call: Call) -> Response | HandOver:
        caller, request = call.caller
        outcome = call.outcome
        if isinstance(outcome, ForDjango):
            environ = {IS_COUNTED: True} if outcome.is_counted else {}
            return HandOver(caller.caller, request, environ)
        if isinstance(outcome, Exception):
            return self._front.problem(caller, outcome)
        assert outcome is not None  # noqa: S101 - delivered
        content = self._front.responses.ok(
            represent(RegisteredAgentSerializer, outcome.agent),
            caller.headers,
            keeps_open=caller.keeps_open,
            status=HTTPStatus.CREATED if outcome.created else HTTPStatus.OK,
        )
        return Response(caller.caller, content, caller.keeps_open)
