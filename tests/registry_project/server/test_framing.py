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
def test_a_body_is_waited_for_if_it_may_be_so_large(line: bytes, most: int) -> None:
    waited_for = request(line, b"Content-Length: %d" % most)
    too_large = request(line, b"Content-Length: %d" % (most + 1))

    assert frame(waited_for) == Unfinished(len(waited_for) - 4, len(waited_for) + most)
    assert frame(too_large) == Frame(len(too_large), is_last=True)


@pytest.mark.parametrize(("version", "waits"), [(b"HTTP/1.1", True), (b"HTTP/1.0", False)])
def test_a_client_of_long_ago_is_not_told_to_continue(version: bytes, waits: bool) -> None:
    """RFC 9110, 10.1.1."""
    found = frame(request(b"POST / " + version, b"Content-Length: 5", b"Expect: 100-continue"))

    assert isinstance(found, Unfinished)
    assert found.wants_continue == waits
