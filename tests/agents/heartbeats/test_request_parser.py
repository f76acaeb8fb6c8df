"""Which requests the fast path parses as heartbeats, and which it leaves to gunicorn and Django."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.heartbeats.bodies import parse_leases, parse_report
from agents.heartbeats.request_parser import parse_heartbeat

LINE = b"POST /agents/a/heartbeat HTTP/1.1\r\n"
JSON = b"Content-Type: application/json"
ORDINARY = LINE + b"Host: x\r\n\r\n"


def with_headers(*lines: bytes, body: bytes = b"") -> bytes:
    return LINE + b"Host: x\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


@pytest.mark.parametrize(
    "request_",
    [
        ORDINARY,
        ORDINARY.replace(b"1.1", b"1.0"),
        ORDINARY.replace(b"heartbeat", b"heartbeat/"),
        with_headers(b"Content-Length: 0"),
        with_headers(b"Content-Length: 2", JSON, body=b"{}"),
        with_headers(b"content-length:2 \t", b"CONTENT-TYPE:\tApplication/JSON", body=b"{}"),
        with_headers(b"Lease-Token: 1.x", b"Connection: Keep-Alive", b"Accept: application/json"),
    ],
)
def test_an_ordinary_heartbeat_is_parsed(request_: bytes) -> None:
    assert parse_heartbeat(request_) is not None


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(with_headers(b"Content-Length: " + length), id=f"length {length!r}")
        for length in (b"", b"1", b"+0", b"-1", b"00", b"0, 0", b"0x0", b"99999999", b"9" * 99)
    ]
    + [
        with_headers(b"Content-Length: 1", JSON, body=b"{}"),
        with_headers(b"Content-Length: 3", JSON, body=b"{}"),
        with_headers(JSON, body=b"{}"),
        with_headers(b"Content-Length: 2", body=b"{}"),  # no Content-Type: 415
        with_headers(b"Content-Length: 0", b"content-length: 0"),
        with_headers(b"Content-Length : 0"),
        with_headers(b"Content-Length: 0", b" "),
        with_headers(b"Content-Length: 0", b" 5"),
        with_headers(b"Transfer-Encoding: chunked"),
        with_headers(b"Transfer-Encoding: identity", b"Content-Length: 0"),
        with_headers(b"Expect: 100-continue"),
        with_headers(b"Expect: what"),
        with_headers(b"Upgrade: h2c"),
        with_headers(b"Connection: close, x"),
        with_headers(b"Host: y"),
        with_headers(b"Lease-Token: 1.x", b"lease-token: 1.y"),
        with_headers(b"A: b\nC: d"),
        with_headers(b"A: b\0"),
        with_headers(b"A: \xff"),
        with_headers(b": b"),
        with_headers(b"A"),
        with_headers(b"Content-Type: text/plain"),
        with_headers(b"Accept: text/html, */*"),
        with_headers(*(b"X-%d: x" % number for number in range(51))),
        with_headers(b"X: " + b"x" * 4_000),
        ORDINARY.replace(b"\r\n", b"\n"),
        ORDINARY.replace(b" HTTP", b"  HTTP"),
        ORDINARY.replace(b"POST", b"post"),
        ORDINARY.replace(b"/agents", b"//agents"),
        ORDINARY.replace(b"heartbeat", b"heartbeat?x"),
        ORDINARY.replace(b"/a/", b"/%61/"),
        ORDINARY.replace(b"/a/", b"/" + b"a" * 256 + b"/"),
        ORDINARY.replace(b"HTTP/1.1", b"HTTP/1.2"),
        ORDINARY.replace(b"Host: x\r\n", b""),
        ORDINARY.replace(b"Host: x", b"Host: "),
        b"\r\n" + ORDINARY,
        b"",
    ],
)
def test_an_unusual_or_ambiguous_request_is_left_to_django(request_: bytes) -> None:
    assert parse_heartbeat(request_) is None


@pytest.mark.parametrize("fill", [b" ", b"\t", b"a", b" :"])
@pytest.mark.parametrize("times", [1, 700])
def test_rejecting_a_request_is_cheap(fill: bytes, times: int) -> None:
    """A backtracking regular expression once took a third of a second for this."""
    line = b"X:" + fill * (3_500 // times // len(fill)) + b"\r\n"
    nearly = LINE + line * times + b"\xff\r\n\r\n"

    started = time.process_time()
    for _ in range(50):  # one millisecond each; with backtracking, over a hundred
        assert parse_heartbeat(nearly) is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize("value", [b"[]", b"{}", b"[1]", b"null", b"1", b"true", b'"READY"'])
@pytest.mark.parametrize("field", [b"status", b"load", b"note"])
def test_no_json_value_makes_the_parser_raise(field: bytes, value: bytes) -> None:
    report = parse_report(b'{"%s":%s}' % (field, value))

    assert report is None or field + value in {b"load1", b'note"READY"'}


LEASES = st.lists(
    st.fixed_dictionaries(
        {
            "agent_id": st.from_regex(r"[A-Za-z0-9._:-]{1,20}", fullmatch=True)
            | st.sampled_from(["register", "..", "a b", '"', ""]),
            "lease_token": st.text(st.characters(max_codepoint=127), max_size=5),
        }
    ),
    min_size=1,
)


@given(LEASES, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_call_in_the_usual_form_is_read_like_any_json(
    agents: list[dict[str, str]], separators: tuple[str, str]
) -> None:
    usual = json.dumps({"agents": agents}, separators=separators).encode()

    assert parse_leases(usual) == parse_leases(b" " + usual)
