"""Requests that arrive together, in pieces, or with an expectation."""

from tests import plain_http
from tests.registry_project.server.web_server import (
    GET,
    WebServer,
    get,
    split,
)


def test_pipelined_requests_are_answered_in_order(server: WebServer) -> None:
    post = b"POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /b HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

    answer = server.exchange(post + GET + last)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"http 127.0.0.1 /a 3 3" in answer
    assert answer.index(b" /a 3 3") < answer.index(b" /echo ") < answer.index(b" /b ")


def test_a_request_may_arrive_in_pieces(server: WebServer) -> None:
    request = b"POST /a HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde"

    answer = server.exchange(*(request[index : index + 1] for index in range(len(request))))

    assert answer.endswith(b" /a 5 5")


def test_a_client_that_expects_100_continue_gets_it(server: WebServer) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    with server.connect() as client:
        client.sendall(head)
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abcde")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_the_server_ignores_forwarding_headers(server: WebServer) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "X-Forwarded-For": "1.2.3.4"}

    assert plain_http.get(f"{server.url}/echo", headers=headers).text.startswith("http 127.0.0.1 ")


def test_the_answer_to_head_has_headers_but_no_body(server: WebServer) -> None:
    request = get("/large", "Connection: close")
    logged = server.log.read_text()

    got, body = split(server.exchange(request))
    headed, nothing = split(server.exchange(request.replace(b"GET", b"HEAD")))

    length = f"content-length: {len(body)}".encode()
    assert length in got
    assert length in headed
    assert nothing == b""
    assert server.log.read_text() == logged
