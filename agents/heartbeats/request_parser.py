"""Which requests are ordinary heartbeats, read off their bytes.

Nothing is understood here that another reader could understand otherwise: what is unusual in any
way is left to the server and to Django, which know all of HTTP.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from agents.api.fields import ID_PATTERN

# Beyond it, the server has limits of its own to tell of.
MAX_HEAD_BYTES = 4_000
MAX_HEADERS = 50
HEAD_END = b"\r\n\r\n"
REQUEST_LINE = re.compile(
    rb"POST /agents/(?:(%s)/)?heartbeat/? HTTP/1\.([01])\r\n" % ID_PATTERN.encode()
)
LEASE_TOKEN = re.compile(rb"(?<=\r\n)[Ll]ease-[Tt]oken:[ ]?([!-~]*)\r\n")
# Possessive, since what is no heartbeat has to cost no more than what is one.
HEADERS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+\r\n)*+")
HEADER = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)")
# What a client may say that it understands, if it is to get JSON by the rules of DRF.
ACCEPTABLE = {"application/json", "*/*", "text/plain", "application/*"}
JSON_IS_AMONG = {"application/json", "*/*"}
CONTENT_TYPES = {b"application/json", b"application/json; charset=utf-8"}
# A request with one of these is not what it seems, or asks for more than an answer. Of a lease's
# token that is written in an unusual way, Django knows more.
UNUSUAL = {
    *(b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"http2-settings"),
    b"lease-token",
}
# So many ways of asking are remembered: clients of one kind, from one place, send one.
MOST_REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class Manner:
    """What a client says beside its agent and its lease, the same each time.

    `body_length` is as it says it, if it does.
    """

    host: str
    forwarded_for: str
    forwarded_proto: str
    has_cookie: bool
    keeps_open: bool
    body_length: bytes


class Heartbeat(NamedTuple):
    """A request that is an ordinary heartbeat; with no `agent_id`, one of many agents at once."""

    agent_id: str | None
    lease_token: str | None
    manner: Manner
    body: bytes


def read_heartbeat(request: bytes) -> Heartbeat | None:
    """Return the heartbeat that a whole request is; None for all else."""
    line = REQUEST_LINE.match(request)
    if line is None:
        return None
    begin, end = line.end(), request.find(HEAD_END, 0, MAX_HEAD_BYTES) + 2
    if end < begin:  # too long, or without any header
        return None
    shown = LEASE_TOKEN.search(request, begin - 2, end)
    if shown is None:
        token, headers = None, request[begin:end]
    else:
        token = shown[1].decode()
        headers = request[begin : shown.start()] + request[shown.end() : end]
    agent_id, version = line.groups()
    manner = _read_manner(headers, version)
    body = request[end + 2 :]
    # A length that is none, or too much, is answered by the head alone: the body is not here.
    if manner is None or manner.body_length != b"%d" % len(body):
        return None
    name = None if agent_id is None else agent_id.decode()
    return Heartbeat(name, token, manner, body)


@lru_cache(maxsize=MOST_REMEMBERED)
def _read_manner(headers: bytes, version: bytes) -> Manner | None:
    """Return the manner of a request; None if it is not ordinary."""
    if not HEADERS.fullmatch(headers):
        return None
    pairs = HEADER.findall(headers)
    said = {name.lower(): value.rstrip(b" \t") for name, value in pairs}
    if len(said) != len(pairs) or len(pairs) > MAX_HEADERS or not UNUSUAL.isdisjoint(said):
        return None
    host, connection = said.get(b"host", b""), said.get(b"connection", b"").lower()
    length = said.get(b"content-length", b"0")
    # Without a body there is nothing to say of it; a body of no kind is of a wrong one.
    unsaid = b"application/json" if length == b"0" else b""
    is_ordinary = (
        host
        and connection in {b"", b"keep-alive", b"close"}
        and _wants_json(said.get(b"accept", b"*/*").decode())
        and said.get(b"content-type", unsaid).lower() in CONTENT_TYPES
    )
    if not is_ordinary:
        return None
    return Manner(
        host=host.decode(),
        forwarded_for=said.get(b"x-forwarded-for", b"").decode(),
        forwarded_proto=said.get(b"x-forwarded-proto", b"").decode(),
        has_cookie=b"cookie" in said,
        keeps_open=version == b"1" and connection != b"close",
        body_length=length,
    )


def _wants_json(accept: str) -> bool:
    kinds = {kind.strip().lower() for kind in accept.split(",")}
    return kinds <= ACCEPTABLE and not kinds.isdisjoint(JSON_IS_AMONG)
