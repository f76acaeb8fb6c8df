import pytest

from registry_project.server.framing import (
    MAX_BODY_BYTES,
    MAX_FORM_BYTES,
    Frame,
    Unfinished,
    frame,
)


def request(line: bytes, *headers: bytes) -> bytearray:
    return bytearray(b"\r\n".join([line, *headers, b"", b""]))


@pytest.mark.parametrize(
    ("line", "most"),
    [
        (b"POST /agents/register HTTP/1.1", MAX_BODY_BYTES),
        (b"POST /admin/login/ HTTP/1.1", MAX_FORM_BYTES),
    ],
)
def test_the_server_waits_for_a_body_unless_it_exceeds_the_limit(line: bytes, most: int) -> None:
    largest = request(line, b"Content-Length: %d" % most)
    too_large = request(line, b"Content-Length: %d" % (most + 1))

    assert frame(largest) == Unfinished(len(largest) - 4, len(largest) + most)
    assert frame(too_large) == Frame(len(too_large), is_last=True)


@pytest.mark.parametrize(("version", "wants_continue"), [(b"HTTP/1.1", True), (b"HTTP/1.0", False)])
def test_an_http_1_0_client_gets_no_100_continue(version: bytes, wants_continue: bool) -> None:
    """RFC 9110, 10.1.1."""
    unfinished = frame(request(b"POST / " + version, b"Content-Length: 5", b"Expect: 100-continue"))

    assert isinstance(unfinished, Unfinished)
    assert unfinished.wants_continue == wants_continue
