"""Heads of requests that all HTTP parsers read alike."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

MAX_HEAD_BYTES = 4_000
MAX_HEADERS = 50
HEAD_END = b"\r\n\r\n"
# Possessive quantifiers: no backtracking over a bad header.
HEADERS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+\r\n)*+")
HEADER = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)")
# DRF sends JSON if all types are ACCEPTABLE and one is in JSON_TYPES.
ACCEPTABLE = {"application/json", "*/*", "text/plain", "application/*"}
JSON_TYPES = {"application/json", "*/*"}
CONTENT_TYPES = {b"application/json", b"application/json; charset=utf-8"}
# A `lease-token` here has not matched the pattern of the credential.
UNUSUAL = {
    b"transfer-encoding",
    b"content-encoding",
    b"expect",
    b"upgrade",
    b"http2-settings",
    b"lease-token",
}
CACHE_SIZE = 1_024


@dataclass(frozen=True, slots=True)
class Client:
    """Without the credential, so that it can be cached."""

    host: str
    forwarded_for: str
    forwarded_proto: str
    has_cookie: bool
    has_origin: bool
    has_authorization: bool
    keeps_open: bool
    body_length: bytes


class Parts(NamedTuple):
    client: Client
    credential: str | None
    body: bytes


def parse_request(
    request: bytes, line: re.Match[bytes], credential: re.Pattern[bytes]
) -> Parts | None:
    """None: Django must parse it.

    `line` ends with the group of HTTP's minor version. `credential` matches a header line, and its
    value in a group.
    """
    begin, end = line.end(), request.find(HEAD_END, 0, MAX_HEAD_BYTES) + 2
    if end < begin:
        return None
    secret = credential.search(request, begin - 2, end)
    if secret is None:
        value, headers = None, request[begin:end]
    else:
        value = secret[1].decode()
        headers = request[begin : secret.start()] + request[secret.end() : end]
    client = _parse_headers(headers, line.groups()[-1])
    body = request[end + 2 :]
    # If the length is wrong or too large, the server passes on the head alone.
    if client is None or client.body_length != b"%d" % len(body):
        return None
    return Parts(client, value, body)


@lru_cache(maxsize=CACHE_SIZE)
def _parse_headers(headers: bytes, version: bytes) -> Client | None:
    if not HEADERS.fullmatch(headers):
        return None
    pairs = HEADER.findall(headers)
    values = {name.lower(): value.rstrip(b" \t") for name, value in pairs}
    if len(values) != len(pairs) or len(pairs) > MAX_HEADERS or not UNUSUAL.isdisjoint(values):
        return None
    host, connection = values.get(b"host", b""), values.get(b"connection", b"").lower()
    length = values.get(b"content-length", b"0")
    default_type = b"application/json" if length == b"0" else b""
    is_ordinary = (
        host
        and connection in {b"", b"keep-alive", b"close"}
        and _accepts_json(values.get(b"accept", b"*/*").decode())
        and values.get(b"content-type", default_type).lower() in CONTENT_TYPES
    )
    if not is_ordinary:
        return None
    return Client(
        host=host.decode(),
        forwarded_for=values.get(b"x-forwarded-for", b"").decode(),
        forwarded_proto=values.get(b"x-forwarded-proto", b"").decode(),
        has_cookie=b"cookie" in values,
        has_origin=b"origin" in values,
        has_authorization=b"authorization" in values,
        keeps_open=version == b"1" and connection != b"close",
        body_length=length,
    )


def _accepts_json(accept: str) -> bool:
    types = {media_type.strip().lower() for media_type in accept.split(",")}
    return types <= ACCEPTABLE and not types.isdisjoint(JSON_TYPES)
