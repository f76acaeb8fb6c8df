"""Answers ordinary heartbeats without Django."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from agents.addresses import parse_address
from agents.allowed_hosts import is_allowed_host
from agents.heartbeats.admission import admit
from agents.heartbeats.bodies import parse_leases, parse_report
from agents.heartbeats.bulk import Admitted, admit_many, bulk_answer
from agents.heartbeats.calls import Call, Outcome
from agents.heartbeats.group_commit import GroupCommit
from agents.heartbeats.request_parser import Heartbeat, parse_heartbeat
from agents.heartbeats.responses import DjangoHeaders, Responses, fallback_fault
from agents.heartbeats.serializers import RenewedSerializer
from agents.leases import Renewal, Renewed
from agents.problems.errors import TooBusy
from agents.rate_limits import RateExceeded
from agents.serializers.cached import represent
from agents.tokens.lease import InvalidLeaseToken

logger = logging.getLogger("agents.heartbeats")

# (peer, X-Forwarded-For, X-Forwarded-Proto) -> the client's address, and its scheme if known.
ClientOf = Callable[[str, str, str], tuple[str, str | None]]
CLIENTS_CACHE_SIZE = 65_536
LONGEST_CACHED = 256  # bytes of forwarding headers
HOSTS_CACHE_SIZE = 1_024


class Response(NamedTuple):
    caller: Any
    content: bytes
    keeps_open: bool


class Waiting(NamedTuple):
    caller: Any
    keeps_open: bool
    headers: bytes
    admitted: Admitted | None = None


class FastPath:
    """`commits` delivers the calls that `responses` answers."""

    def __init__(self, commits: GroupCommit, client_of: ClientOf) -> None:
        self._commits = commits
        self._headers = DjangoHeaders()
        self._responses = Responses()
        self._client = _cached_client_of(client_of)
        self._is_allowed_host = lru_cache(maxsize=HOSTS_CACHE_SIZE)(is_allowed_host)

    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Response:
        """Return the response, True if it follows in `responses`, False if Django has to answer."""
        heartbeat = parse_heartbeat(request)
        if heartbeat is None:
            return False
        client = heartbeat.client
        if not self._is_allowed_host(client.host):
            return False
        if client.has_origin and settings.CORS_ALLOWED_ORIGINS:
            return False  # a browser's: the answer needs the headers of its origin
        address, scheme = self._client(peer, client.forwarded_for, client.forwarded_proto)
        if scheme != "https" and settings.SECURE_SSL_REDIRECT:
            return False
        has_lease_token = heartbeat.lease_token is not None
        headers = self._headers.get(scheme, client.host, has_lease_token=has_lease_token)
        waiting = Waiting(caller, client.keeps_open and may_keep_open, headers)
        if heartbeat.agent_id is None:
            return self._take_many(heartbeat, address, waiting)
        return self._take_one(heartbeat, heartbeat.agent_id, address, waiting)

    def flush(self) -> None:
        """Start a commit: no more requests are at hand."""
        self._commits.flush()

    def responses(self, calls: Iterable[Call]) -> Iterator[Response]:
        self._commits.delivered()
        shared: dict[tuple[int, int, bool], bytes] = {}
        for call in calls:
            try:
                response = self._respond(call, shared)
            except Exception:  # one caller's problem
                logger.exception("a heartbeat could not be answered")
                content = fallback_fault(keeps_open=call.caller.keeps_open)
                response = Response(call.caller.caller, content, call.caller.keeps_open)
            yield response

    def _respond(self, call: Call, shared: dict[tuple[int, int, bool], bytes]) -> Response:
        waiting: Waiting = call.caller
        if waiting.admitted is not None:
            return self._respond_many(waiting, waiting.admitted, call.outcomes)
        [outcome] = call.outcomes
        if not isinstance(outcome, Renewed):
            return self._problem(waiting, outcome)
        # Agents of equal TTL share an outcome, and so a response.
        key = id(outcome), id(waiting.headers), waiting.keeps_open
        if key not in shared:
            answer = represent(RenewedSerializer, outcome)
            shared[key] = self._responses.ok(answer, waiting.headers, keeps_open=waiting.keeps_open)
        return Response(waiting.caller, shared[key], waiting.keeps_open)

    def _take_one(
        self, heartbeat: Heartbeat, agent_id: str, address: str | None, waiting: Waiting
    ) -> bool | Response:
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
            return self._problem(waiting, error)
        return self._offer(waiting, [Renewal(agent_id, generation, address, *report)])

    def _take_many(
        self, heartbeat: Heartbeat, address: str | None, waiting: Waiting
    ) -> bool | Response:
        if heartbeat.client.has_cookie or heartbeat.lease_token is not None:
            return False
        leases = parse_leases(heartbeat.body)
        if leases is None:
            return False
        admitted = admit_many(leases, address)
        waiting = waiting._replace(admitted=admitted)
        if not admitted.renewals:
            return self._respond_many(waiting, admitted, [])
        return self._offer(waiting, admitted.renewals)

    def _offer(self, waiting: Waiting, renewals: Sequence[Renewal]) -> bool | Response:
        if self._commits.offer(Call(renewals, waiting)):
            return True
        return self._problem(waiting, TooBusy())

    def _respond_many(
        self, waiting: Waiting, admitted: Admitted, outcomes: Sequence[Outcome]
    ) -> Response:
        try:
            answer = bulk_answer(admitted, outcomes)
        except Exception as error:
            return self._problem(waiting, error)
        content = self._responses.ok(answer, waiting.headers, keeps_open=waiting.keeps_open)
        return Response(waiting.caller, content, waiting.keeps_open)

    def _problem(self, waiting: Waiting, error: Exception) -> Response:
        content = self._responses.problem(error, waiting.headers, keeps_open=waiting.keeps_open)
        return Response(waiting.caller, content, waiting.keeps_open)


def _cached_client_of(client_of: ClientOf) -> Callable[[str, str, str], tuple[str | None, str]]:
    def client(peer: str, forwarded_for: str, forwarded_proto: str) -> tuple[str | None, str]:
        address, scheme = client_of(peer, forwarded_for, forwarded_proto)
        return parse_address(address), scheme or "http"

    cached = lru_cache(maxsize=CLIENTS_CACHE_SIZE)(client)

    def look_up(peer: str, forwarded_for: str, forwarded_proto: str) -> tuple[str | None, str]:
        is_short = len(forwarded_for) + len(forwarded_proto) <= LONGEST_CACHED
        return (cached if is_short else client)(peer, forwarded_for, forwarded_proto)

    return look_up
