"""Which requests are ordinary heartbeats, read off their bytes.

Nothing is understood here that another reader could understand otherwise: what is unusual in any
way is left to the server and to Django, which know all of HTTP.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

# Beyond it, the server has limits of its own to tell of.
MAX_HEAD_BYTES = 4_000
MAX_HEADERS = 50
HEAD = re.compile(
    rb"POST /agents/(?:([A-Za-z0-9._:-]{1,255})/)?heartbeat/? HTTP/1\.([01])\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[\t\x20-\x7e]*\r\n)*)\r\n"
)
HEADER = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)")
# What a client may say that it understands, if it is to get JSON by the rules of DRF.
ACCEPTABLE = {"application/json", "*/*", "text/plain", "application/*"}
JSON_IS_AMONG = {"application/json", "*/*"}
CONTENT_TYPES = {b"application/json", b"application/json; charset=utf-8"}
# A request with one of these is not what it seems, or asks for more than an answer.
UNUSUAL = {b"transfer-encoding", b"upgrade", b"content-encoding", b"http2-settings"}


@dataclass(slots=True)
class Heartbeat:
    """A request that is an ordinary heartbeat; with no `agent_id`, one of many agents at once.

    `keeps_open`: whether the client wants to send another request on its connection.
    """

    agent_id: str | None
    lease_token: str | None
    host: str
    forwarded_for: str
    forwarded_proto: str
    has_cookie: bool
    keeps_open: bool
    body: bytes


def read_heartbeat(request: bytes) -> Heartbeat | None:
    """Return the heartbeat that a whole request is; None for all else."""
    found = HEAD.match(request, 0, MAX_HEAD_BYTES)
    if found is None:
        return None
    agent_id, version, lines = found.groups()
    pairs = HEADER.findall(lines)
    said = {name.lower(): value.rstrip(b" \t") for name, value in pairs}
    if len(said) != len(pairs) or len(pairs) > MAX_HEADERS or not UNUSUAL.isdisjoint(said):
        return None
    body = request[found.end() :]
    host, connection = said.get(b"host"), said.get(b"connection", b"").lower()
    is_ordinary = (
        host
        and connection in {b"", b"keep-alive", b"close"}
        and _wants_json(said.get(b"accept", b"*/*"))
        and said.get(b"content-type", b"application/json").lower() in CONTENT_TYPES
    )
    if not is_ordinary:
        return None
    token = said.get(b"lease-token")
    return Heartbeat(
        agent_id=None if agent_id is None else agent_id.decode(),
        lease_token=None if token is None else token.decode(),
        host=host.decode() if host else "",
        forwarded_for=said.get(b"x-forwarded-for", b"").decode(),
        forwarded_proto=said.get(b"x-forwarded-proto", b"").decode(),
        has_cookie=b"cookie" in said,
        keeps_open=version == b"1" and connection != b"close",
        body=body,
    )


@lru_cache(maxsize=1024)
def _wants_json(accept: bytes) -> bool:
    kinds = {kind.strip().lower() for kind in accept.decode().split(",")}
    return kinds <= ACCEPTABLE and not kinds.isdisjoint(JSON_IS_AMONG)
