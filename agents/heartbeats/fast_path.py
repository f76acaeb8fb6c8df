"""The door itself: who may renew what, by the rules of the DRF action."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from agents.api.authentication import parse_address
from agents.api.errors import TooBusy
from agents.api.many_heartbeats import Admitted, admit, tell
from agents.api.permissions import is_open
from agents.api.serializers import RenewedSerializer, told
from agents.api.throttling import count_heartbeat
from agents.heartbeats.bodies import read_leases, read_report
from agents.heartbeats.group_commit import Call, GroupCommit, Outcome
from agents.heartbeats.request_parser import Heartbeat, read_heartbeat
from agents.heartbeats.responses import Answers, Headers, fault
from agents.leases import Renewal, Renewed
from agents.tokens import lease as lease_tokens

logger = logging.getLogger("agents.heartbeats")

# Told of a peer, X-Forwarded-For and X-Forwarded-Proto: the client's address, and its scheme where
# somebody trusted has said it.
ClientOf = Callable[[str, str, str], tuple[str, str | None]]
MOST_CLIENTS = 65_536
# Bytes of what is said of a client; more of it comes from nobody but who wants to fill the memory.
LONGEST_REMEMBERED = 256
MOST_HOSTS = 1_024


class Answer(NamedTuple):
    """What goes to a caller; with `keeps_open`, another request may follow."""

    caller: Any
    text: bytes
    keeps_open: bool


class Asked(NamedTuple):
    """Who waits for an answer, and what it will need; `admitted` is of a call for many agents."""

    caller: Any
    keeps_open: bool
    headers: bytes
    admitted: Admitted | None = None


class Door:
    """Takes the requests that it can judge whole, and leaves all others to Django.

    `take` and `answers` belong into one thread, that of the server's event loop. `commits` gives
    back the calls, for `answers`.
    """

    def __init__(self, commits: GroupCommit, client_of: ClientOf) -> None:
        self._commits = commits
        self._headers = Headers()
        self._answers = Answers()
        self._client = _client_by(client_of)
        self._is_allowed_host = lru_cache(maxsize=MOST_HOSTS)(_is_allowed_host)

    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Answer:
        """Take a request that came as a whole from `peer`, an address.

        Return whether its answer will come from `answers`; or its answer, where that needs no
        commit. Without `may_keep_open`, the answer is the last on its connection.
        """
        heartbeat = read_heartbeat(request)
        if heartbeat is None:
            return False
        manner = heartbeat.manner
        if not self._is_allowed_host(manner.host):
            return False
        address, scheme = self._client(peer, manner.forwarded_for, manner.forwarded_proto)
        if scheme != "https" and settings.SECURE_SSL_REDIRECT:
            return False
        is_of_a_lease = heartbeat.lease_token is not None
        headers = self._headers.of(scheme, manner.host, is_of_a_lease=is_of_a_lease)
        asked = Asked(caller, manner.keeps_open and may_keep_open, headers)
        if heartbeat.agent_id is None:
            return self._take_many(heartbeat, address, asked)
        return self._take_one(heartbeat, heartbeat.agent_id, address, asked)

    def flush(self) -> None:
        """Have committed what was taken; to be called when no more is at hand."""
        self._commits.flush()

    def answers(self, calls: Iterable[Call]) -> Iterator[Answer]:
        """Give the answers to calls that are committed, or could not be."""
        self._commits.delivered()
        alike: dict[tuple[int, int, bool], bytes] = {}
        for call in calls:
            try:
                answer = self._answer(call, alike)
            except Exception:  # a fault of ours: one caller's, and not of all that wait
                logger.exception("a heartbeat could not be answered")
                text = fault(keeps_open=call.caller.keeps_open)
                answer = Answer(call.caller.caller, text, call.caller.keeps_open)
            yield answer

    def _answer(self, call: Call, alike: dict[tuple[int, int, bool], bytes]) -> Answer:
        asked: Asked = call.caller
        if asked.admitted is not None:
            return self._answer_many(asked, asked.admitted, call.outcomes)
        [outcome] = call.outcomes
        if not isinstance(outcome, Renewed):
            return self._problem(asked, outcome)
        # Agents with one TTL that were renewed together are told the same.
        key = id(outcome), id(asked.headers), asked.keeps_open
        if key not in alike:
            said = told(RenewedSerializer, outcome)
            alike[key] = self._answers.ok(said, asked.headers, keeps_open=asked.keeps_open)
        return Answer(asked.caller, alike[key], asked.keeps_open)

    def _take_one(
        self, heartbeat: Heartbeat, agent_id: str, address: str | None, asked: Asked
    ) -> bool | Answer:
        generation, token = None, heartbeat.lease_token
        if token is not None:
            try:
                generation = lease_tokens.verify(agent_id, token)
            except lease_tokens.InvalidLeaseToken:
                return False
        elif heartbeat.manner.has_cookie or not is_open():
            return False
        report = read_report(heartbeat.body)
        if report is None:
            return False
        refusal = count_heartbeat(agent_id, token)
        if refusal is not None:
            return self._problem(asked, Throttled(refusal.wait))
        return self._offer(asked, [Renewal(agent_id, generation, address, *report)])

    def _take_many(self, heartbeat: Heartbeat, address: str | None, asked: Asked) -> bool | Answer:
        if heartbeat.manner.has_cookie or heartbeat.lease_token is not None:
            return False
        leases = read_leases(heartbeat.body)
        if leases is None:
            return False
        admitted = admit(leases, address)
        asked = asked._replace(admitted=admitted)
        if not admitted.renewals:
            return self._answer_many(asked, admitted, [])
        return self._offer(asked, admitted.renewals)

    def _offer(self, asked: Asked, renewals: Sequence[Renewal]) -> bool | Answer:
        if self._commits.offer(Call(renewals, asked)):
            return True
        return self._problem(asked, TooBusy())

    def _answer_many(self, asked: Asked, admitted: Admitted, outcomes: Sequence[Outcome]) -> Answer:
        try:
            said = tell(admitted, outcomes)
        except Exception as error:
            return self._problem(asked, error)
        text = self._answers.ok(said, asked.headers, keeps_open=asked.keeps_open)
        return Answer(asked.caller, text, asked.keeps_open)

    def _problem(self, asked: Asked, error: Exception) -> Answer:
        text = self._answers.problem(error, asked.headers, keeps_open=asked.keeps_open)
        return Answer(asked.caller, text, asked.keeps_open)


def _is_allowed_host(host: str) -> bool:
    request = HttpRequest()
    request.META["HTTP_HOST"] = host
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


def _client_by(client_of: ClientOf) -> Callable[[str, str, str], tuple[str | None, str]]:
    def client(peer: str, forwarded_for: str, forwarded_proto: str) -> tuple[str | None, str]:
        address, scheme = client_of(peer, forwarded_for, forwarded_proto)
        return parse_address(address), scheme or "http"

    remembered = lru_cache(maxsize=MOST_CLIENTS)(client)

    def look_up(peer: str, forwarded_for: str, forwarded_proto: str) -> tuple[str | None, str]:
        is_short = len(forwarded_for) + len(forwarded_proto) <= LONGEST_REMEMBERED
        return (remembered if is_short else client)(peer, forwarded_for, forwarded_proto)

    return look_up
