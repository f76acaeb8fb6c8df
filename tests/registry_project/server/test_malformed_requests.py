"""Request smuggling: no ambiguous framing lets a second request through.

Each request is followed by another one. A refused request ends the connection, so nothing after it
is parsed; an accepted request ends exactly where its framing says.
"""

import re
import time

import pytest

from registry_project.server.framing import MAX_BODY_BYTES
from tests.registry_project.server.web_server import SOON, WebServer

NEXT = b"GET /next HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.1 \d{3} ")
BODY = b"5\r\nabcde\r\n0\r\n\r\n"
LINE = b"POST /a HTTP/1.1\r\n"
HOST = b"Host: test\r\n"


def chunks(body: bytes, coding: bytes = b"Transfer-Encoding: chunked\r\n") -> bytes:
    return LINE + HOST + coding + b"\r\n" + body


def fields(lines: bytes, body: bytes = b"abcde") -> bytes:
    return LINE + HOST + lines + b"\r\n\r\n" + body


REFUSED = {
    # --- Lines ---
    "bare LF": b"POST /a HTTP/1.1\nHost: test\nContent-Length: 0\n\n",
    "bare LF at the end of the head": LINE + HOST + b"\n",
    "bare LF in a field": fields(b"X: a\nContent-Length: 5"),
    "bare CR in a field": fields(b"X: a\rContent-Length: 5"),
    "NUL in a field": fields(b"X: a\0b"),
    "a field without colon": fields(b"Broken"),
    "a field without name": fields(b": a"),
    "a folded field": fields(b"X: a\r\n b"),
    "a folded length": fields(b"Content-Length:\r\n 5"),
    "a folded coding": chunks(BODY, b"Transfer-Encoding:\r\n chunked\r\n"),
    "a space before the first field": LINE + b" " + HOST + b"\r\n",
    "a space before a colon": fields(b"X : a"),
    "a space before the colon of a length": fields(b"Content-Length : 5"),
    "a tab before the colon of a length": fields(b"Content-Length\t: 5"),
    "a space before the colon of a coding": chunks(BODY, b"Transfer-Encoding : chunked\r\n"),
    "two hosts": fields(b"Host: other"),
    "no version": b"GET /a\r\nHost: test\r\n\r\n",
    "another version": b"GET /a HTTP/2.0\r\nHost: test\r\n\r\n",
    "three spaces in the request line": b"GET  /a  HTTP/1.1\r\nHost: test\r\n\r\n",
    "a tab in the request line": b"GET\t/a\tHTTP/1.1\r\nHost: test\r\n\r\n",
    "nothing but empty lines": b"\r\n\r\n",
    # --- Content-Length ---
    "two lengths": fields(b"Content-Length: 5\r\nContent-Length: 6"),
    "two equal lengths": fields(b"Content-Length: 5\r\nContent-Length: 5"),
    "a list of lengths": fields(b"Content-Length: 5, 5"),
    "a signed length": fields(b"Content-Length: +5"),
    "a negative length": fields(b"Content-Length: -5"),
    "a hexadecimal length": fields(b"Content-Length: 0x5"),
    "a length with an underscore": fields(b"Content-Length: 0_5"),
    "a length in other digits": fields("Content-Length: \u0665".encode()),
    "an empty length": fields(b"Content-Length: "),
    "a length of two numbers": fields(b"Content-Length: 5 5"),
    # --- Transfer-Encoding ---
    "both framings": fields(b"Content-Length: 5\r\nTransfer-Encoding: chunked", BODY),
    "both framings, the other way": fields(
        b"Transfer-Encoding: chunked\r\nContent-Length: 5", BODY
    ),
    "two codings": fields(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", BODY),
    "two codings in a list": fields(b"Transfer-Encoding: chunked, chunked", BODY),
    "gzip": fields(b"Transfer-Encoding: gzip", BODY),
    "gzip behind chunked": fields(b"Transfer-Encoding: chunked, gzip", BODY),
    "an identity": fields(b"Transfer-Encoding: identity", BODY),
    "chunks in HTTP/1.0": chunks(BODY).replace(b"1.1", b"1.0"),
    # --- Chunks ---
    "a chunk without size": chunks(b"\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with a signed size": chunks(b"+5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with a negative size": chunks(b"-5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with 0x": chunks(b"0x5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with an underscore": chunks(b"0_5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with a space before": chunks(b" 5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with a space behind": chunks(b"5 \r\nabcde\r\n0\r\n\r\n"),
    "a chunk of a size in nine digits": chunks(b"000000005\r\nabcde\r\n0\r\n\r\n"),
    "a chunk with a bare LF behind its size": chunks(b"5\nabcde\r\n0\r\n\r\n"),
    "a chunk with a bare LF behind it": chunks(b"5\r\nabcde\n0\r\n\r\n"),
    "a chunk that is too long": chunks(b"5\r\nabcdef\r\n0\r\n\r\n"),
    "a chunk that is too short": chunks(b"5\r\nabc\r\n0\r\n\r\n"),
    "an extension without name": chunks(b"5;\r\nabcde\r\n0\r\n\r\n"),
    "an extension with a bare LF": chunks(b"5;a\nb\r\nabcde\r\n0\r\n\r\n"),
    "an extension with a bare CR": chunks(b"5;a\rb\r\nabcde\r\n0\r\n\r\n"),
    "an extension with an open quote": chunks(b'5;a="b\r\nabcde\r\n0\r\n\r\n'),
    "an extension without end": chunks(b"5;" + b"a" * 300 + b"\r\nabcde\r\n0\r\n\r\n"),
    "a trailer without colon": chunks(b"5\r\nabcde\r\n0\r\nBroken\r\n\r\n"),
    "a trailer with a bare LF": chunks(b"5\r\nabcde\r\n0\r\nX: a\nY: b\r\n\r\n"),
    "a folded trailer": chunks(b"5\r\nabcde\r\n0\r\nX: a\r\n b\r\n\r\n"),
    "a trailer without end": chunks(b"0\r\n" + b"X: a\r\n" * 5_000),
}
OTHER_STATUS = {
    "a coding of another name": (fields(b"Transfer-Encoding: xchunked", BODY), 501),
    "an empty coding": (fields(b"Transfer-Encoding: ", BODY), 501),
    "a coding with a parameter": (fields(b"Transfer-Encoding: chunked;q=1", BODY), 501),
    "an expectation of another kind": (fields(b"Expect: more"), 417),
    "a field that is too long": (fields(b"X: " + b"x" * 9_000), 431),
    "too many fields": (fields(b"X: a\r\n" * 120 + b"Y: b"), 431),
    "a head that is too long": (fields(b"X: %s\r\n" % (b"x" * 8_000) * 20), 431),
    "a request line that is too long": (b"GET /%s HTTP/1.1\r\n\r\n" % (b"a" * 9_000), 414),
}
ACCEPTED = {
    "a length": fields(b"Content-Length: 5"),
    "a length with zeros": fields(b"content-length:005 "),
    "chunks": chunks(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"),
    "chunks in capitals": chunks(BODY, b"TRANSFER-ENCODING:\tChunked \r\n"),
    "a chunk with zeros": chunks(b"00000005\r\nabcde\r\n000\r\n\r\n"),
    "chunks with extensions": chunks(b'5;a=b ; c="d;\\"e"\t;f\r\nabcde\r\n0;g\r\n\r\n'),
    "chunks with a trailer": chunks(b"5\r\nabcde\r\n0\r\nContent-Length: 9\r\nX: a\r\n\r\n"),
    "chunks whose client waits": chunks(
        BODY, b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
    ),
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED)
def test_a_malformed_request_is_refused_and_ends_the_connection(
    server: WebServer, request_bytes: bytes
) -> None:
    assert_refused(server, request_bytes, 400)


@pytest.mark.parametrize(("request_bytes", "status"), OTHER_STATUS.values(), ids=OTHER_STATUS)
def test_an_unsupported_or_oversized_request_is_refused_and_ends_the_connection(
    server: WebServer, request_bytes: bytes, status: int
) -> None:
    assert_refused(server, request_bytes, status)


def assert_refused(server: WebServer, request_bytes: bytes, status: int) -> None:
    started = time.monotonic()
    answer = server.exchange(request_bytes + NEXT)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert len(STATUS_LINE.findall(answer)) == 1
    assert b"connection: close" in answer.lower()
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("request_bytes", ACCEPTED.values(), ids=ACCEPTED)
def test_a_well_formed_request_and_the_next_one_are_both_answered(
    server: WebServer, request_bytes: bytes
) -> None:
    answer = server.exchange(request_bytes + NEXT)

    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2
    assert re.search(rb" /a (00)?5 5HTTP", answer)
    assert answer.endswith(b" /next none 0")


@pytest.mark.parametrize("request_bytes", ACCEPTED.values(), ids=ACCEPTED)
def test_a_well_formed_request_may_arrive_in_pieces(
    server: WebServer, request_bytes: bytes
) -> None:
    whole = request_bytes + NEXT
    answer = server.exchange(*(whole[at : at + 1] for at in range(len(whole))))

    assert re.search(rb" /a (00)?5 5HTTP", answer)
    assert answer.endswith(b" /next none 0")


LARGE_CHUNK = b"%x\r\n%s\r\n" % (MAX_BODY_BYTES, b"x" * MAX_BODY_BYTES)


@pytest.mark.parametrize(
    ("request_bytes", "seen"),
    [
        (fields(b"Content-Length: 9999999"), b"9999999 0"),
        (chunks(b"fffffff\r\n"), b"268435455 0"),
        (chunks(LARGE_CHUNK + b"1\r\nx\r\n"), b"65537 0"),
        (chunks(b"1\r\nx\r\n" * 65_537), b"65537 0"),
    ],
    ids=["a length", "a chunk", "chunks", "many chunks"],
)
def test_the_application_gets_only_the_size_of_a_body_that_is_too_large(
    server: WebServer, request_bytes: bytes, seen: bytes
) -> None:
    answer = server.exchange(request_bytes)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b" /a " + seen)
    assert b"connection: close" in answer.lower()


def test_a_chunked_body_may_be_as_large_as_any_other(server: WebServer) -> None:
    answer = server.exchange(chunks(LARGE_CHUNK + b"0\r\n\r\n") + NEXT)

    assert b" /a 65536 65536HTTP" in answer
