"""Where a response ends, for every kind of framing."""

import pytest

from benchmarks.wire.responses import (
    UNKNOWN,
    UNTIL_CLOSED,
    body_of,
    header_of,
    response_length,
    says_close,
    status_of,
)

SIZED = b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nX-Other: 1\r\n\r\nbody"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    # The first chunk looks like an end.
    b"7;x=y\r\n\r\n0\r\n\r\n\r\n1\r\nz\r\n0\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"


@pytest.mark.parametrize("response", [CHUNKED, EMPTY], ids=["chunked", "empty"])
def test_the_length_of_a_chunked_or_empty_response_is_known_with_its_last_byte(
    response: bytes,
) -> None:
    assert {response_length(response[:at]) for at in range(len(response))} == {UNKNOWN}
    assert response_length(response) == len(response)


def test_the_length_of_a_sized_response_is_known_with_its_head() -> None:
    head = SIZED.index(b"body")
    assert response_length(SIZED[: head - 1]) == UNKNOWN
    assert response_length(SIZED[:head]) == len(SIZED)
    assert (status_of(SIZED), body_of(SIZED)) == (404, b"body")


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    assert response_length(b"HTTP/1.0 200 OK\r\n\r\nwhatever") == UNTIL_CLOSED


def test_invalid_data_is_refused() -> None:
    with pytest.raises(ValueError, match="not an HTTP response"):
        response_length(b"SSH-2.0\r\n\r\n")


def test_header_names_are_case_insensitive() -> None:
    assert header_of(SIZED, b"x-other") == b"1"
    assert header_of(SIZED, b"other") is None


@pytest.mark.parametrize(
    ("response", "closes"),
    [
        (SIZED, False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    ],
)
def test_a_response_shows_whether_the_connection_will_close(response: bytes, closes: bool) -> None:
    assert says_close(response) is closes
