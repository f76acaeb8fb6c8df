"""Calls to servers on real sockets; only the system's resolver is replaced."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.outbound import client as outbound
from agents.outbound.client import Answer, Limits, OutboundClient, check_url
from agents.outbound.errors import NoAnswer, NotAllowed
from agents.outbound.networks import Networks
from tests.agents.receiver import Receiver, Reply, receiving

LOCAL = Networks.parse(["127.0.0.1"])


def send(
    url: str,
    networks: Networks = LOCAL,
    limits: Limits | None = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> Answer:
    async def call() -> Answer:
        async with OutboundClient(networks, limits) as client:
            return await client.send(method, url, headers=headers, content=content)

    return asyncio.run(call())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class Resolver:
    """Answers for names under .example, each time with the next list of addresses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]) -> None:
        self.calls: list[str] = []
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            name = str(host).removesuffix(".example")
            if name not in answers:
                return real(host, port, *args, **options)
            self.calls.append(name)
            addresses = answers[name].pop(0)
            if not addresses:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [found for one in addresses for found in real(one, port, *args, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_an_answer_has_status_headers_and_body(receiver: Receiver) -> None:
    receiver.script = lambda _: Reply(418, {"X-Kind": "tea"}, b"short and stout")

    answer = send(f"{receiver.url}/pot?a=1%20b", headers={"X-Mine": "1"}, content=b"{}")

    assert (answer.status, answer.headers["x-kind"]) == (418, "tea")
    assert (answer.body, answer.is_cut) == (b"short and stout", False)
    assert 0 < answer.seconds < 10
    [received] = receiver.received
    assert (received.method, received.path, received.body) == ("POST", "/pot?a=1%20b", b"{}")
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["x-mine"] == "1"
    assert received.headers["user-agent"] == "agent-registry"


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f.1",
            "127.1",
            "0.0.0.0",  # noqa: S104
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "169.254.169.254",
            "[fd00:ec2::254]",
        ],
    )
    def test_addresses_of_other_networks_are_not_called(
        self, receiver: Receiver, host: str
    ) -> None:
        with pytest.raises(NotAllowed, match=r"not in the allowed networks \(public\)"):
            send(f"http://{host}:{receiver.port}/", Networks(public=True))

        assert receiver.received == []

    def test_a_mapped_address_counts_as_the_address_that_it_maps(self, receiver: Receiver) -> None:
        assert send(f"http://[::ffff:127.0.0.1]:{receiver.port}/").status == 200
        assert receiver.received[0].headers["host"] == f"[::ffff:127.0.0.1]:{receiver.port}"

    def test_a_name_is_resolved_once_and_the_checked_address_called(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name server that answers differently the second time leads nowhere."""
        resolver = Resolver(monkeypatch, rebinding=[["127.0.0.1"], ["127.0.0.2"]])
        with receiving(host="127.0.0.2", port=receiver.port) as forbidden:
            answer = send(f"http://rebinding.example:{receiver.port}/")

        assert answer.status == 200
        assert forbidden.received == []
        assert resolver.calls == ["rebinding"]
        assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"

    @pytest.mark.parametrize(
        "address", ["127.0.0.2", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.2", "::1"]
    )
    def test_a_name_that_resolves_to_another_network_is_not_called(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        Resolver(monkeypatch, rebound=[[address]])

        with pytest.raises(NotAllowed, match=r"rebound.example \("):
            send(f"http://rebound.example:{receiver.port}/")

    def test_only_the_allowed_addresses_of_a_name_are_called(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Resolver(monkeypatch, both=[["127.0.0.2", "127.0.0.1"]])
        with receiving(host="127.0.0.2", port=receiver.port) as forbidden:
            assert send(f"http://both.example:{receiver.port}/").status == 200

        assert (len(receiver.received), forbidden.received) == (1, [])

    def test_the_next_address_is_tried_where_one_does_not_accept(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Resolver(monkeypatch, several=[["127.0.0.2", "127.0.0.1"]])
        networks = Networks.parse(["127.0.0.0/8"])

        assert send(f"http://several.example:{receiver.port}/", networks).status == 200

    def test_each_new_connection_is_checked(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Resolver(monkeypatch, rebinding=[["127.0.0.1"], ["127.0.0.2"]])
        receiver.script = lambda _: Reply(headers={"Connection": "close"})
        url = f"http://rebinding.example:{receiver.port}/"

        async def two_calls() -> None:
            async with OutboundClient(LOCAL) as client:
                assert (await client.send("GET", url)).status == 200
                with pytest.raises(NotAllowed):
                    await client.send("GET", url)

        asyncio.run(two_calls())

    def test_a_name_that_is_unknown_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Resolver(monkeypatch, unknown=[[]])

        with pytest.raises(NoAnswer, match=r"the name unknown\.example cannot be resolved"):
            send("http://unknown.example/")


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_an_answer(self, receiver: Receiver, status: int) -> None:
        with receiving() as other:
            receiver.script = lambda _: Reply(status, {"Location": other.url})

            answer = send(receiver.url)

        assert (answer.status, answer.headers["location"]) == (status, other.url)
        assert other.received == []


class TestEnvironment:
    def test_proxies_are_not_used(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with receiving() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)

            assert send(receiver.url).status == 200

        assert proxy.received == []


class TestLimits:
    def test_a_server_that_hangs_is_given_up(self, receiver: Receiver) -> None:
        end = threading.Event()

        def hang(_received: object) -> Reply:
            end.wait(30)
            return Reply()

        receiver.script = hang
        try:
            with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"):
                send(receiver.url, limits=Limits(seconds=0.2))
        finally:
            end.set()

    def test_a_server_that_sends_a_byte_now_and_then_is_given_up(self) -> None:
        """Each wait is short; all together are too long."""
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def drip() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    try:
                        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                        while True:
                            connection.sendall(b".")
                            time.sleep(0.02)
                    except OSError:
                        pass

            thread = threading.Thread(target=drip)
            thread.start()
            with pytest.raises(NoAnswer, match=r"no answer within 0\.3 s"):
                send(f"http://127.0.0.1:{listener.getsockname()[1]}/", limits=Limits(seconds=0.3))
            thread.join(30)

    def test_a_resolver_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        end = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: end.wait(30))

        async def call() -> None:
            async with OutboundClient(LOCAL, Limits(seconds=0.2)) as client:
                with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"):
                    await client.send("GET", "http://slow.example/")

        began = time.monotonic()
        try:
            asyncio.run(call())
            assert time.monotonic() - began < 20
        finally:
            end.set()

    def test_a_long_body_is_cut_and_its_connection_closed(self, receiver: Receiver) -> None:
        receiver.script = lambda _: Reply(body=b"x" * 1_000_000)

        answer = send(receiver.url, limits=Limits(body_bytes=1000))

        assert (len(answer.body), answer.is_cut) == (1000, True)

    def test_a_compressed_body_is_not_unpacked(self, receiver: Receiver) -> None:
        receiver.script = lambda _: Reply(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b..")

        assert send(receiver.url).body == b"\x1f\x8b.."


class TestUnusableAnswers:
    def test_a_closed_port(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

        with pytest.raises(NoAnswer, match="connection refused"):
            send(f"http://127.0.0.1:{port}/")

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [(b"", "the answer is not HTTP"), (b"SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP")],
    )
    def test_what_is_not_http(self, answer: bytes, reason: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(NoAnswer, match=reason):
                send(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            thread.join(30)


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """Of secure.example, signed by itself, and trusted by SSL_CERT_FILE."""
        both = tmp_path / "both.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=secure.example", "-keyout", tmp_path / "key.pem", "-out", both),
                *("-addext", "subjectAltName=DNS:secure.example"),
            ],
            check=True,
            capture_output=True,
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(both))
        outbound._certificates.cache_clear()
        yield tmp_path
        outbound._certificates.cache_clear()

    @pytest.fixture
    def secure(self, certificate: Path) -> Iterator[Receiver]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "both.pem", certificate / "key.pem")
        with receiving() as receiver:
            receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
            yield receiver

    def test_the_certificate_must_be_of_the_name(
        self, secure: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Resolver(monkeypatch, secure=[["127.0.0.1"]], other=[["127.0.0.1"]])

        assert send(f"https://secure.example:{secure.port}/").status == 200
        with pytest.raises(NoAnswer, match="the certificate is not valid: Hostname mismatch"):
            send(f"https://other.example:{secure.port}/")

    def test_the_certificate_must_be_trusted(
        self, secure: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Resolver(monkeypatch, secure=[["127.0.0.1"]])
        monkeypatch.delenv("SSL_CERT_FILE")
        outbound._certificates.cache_clear()

        with pytest.raises(NoAnswer, match="the certificate is not valid: self-signed"):
            send(f"https://secure.example:{secure.port}/")


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "//127.0.0.1/",
            "http://",
            "http:///path",
            "http://user:password@127.0.0.1/",
            "http://127.0.0.1:99999/",
            "http://[::1/",
            "http://a b/",
            "http://exa\nmple/",
            "",
        ],
    )
    def test_other_urls_are_refused(self, url: str) -> None:
        with pytest.raises(NotAllowed, match="the URL"):
            check_url(url)

    def test_headers_cannot_be_smuggled(self, receiver: Receiver) -> None:
        with pytest.raises(NotAllowed, match="not valid HTTP"):
            send(receiver.url, headers={"X-A": "1\r\nX-B: 2"})

        assert receiver.received == []
