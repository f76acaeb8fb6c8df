"""Messages by apprise, to servers on real sockets."""

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as project
from pytest_django import Settings

from agents.database.clock import database_now
from agents.history.record import Kind, record_event
from agents.models import Channel, Delivery
from agents.notifications.channels import apprise
from agents.notifications.channels.apprise import describe_url
from agents.notifications.delivery.run import deliver_due
from agents.notifications.messages import of_test
from agents.notifications.outbox import delivery_of
from agents.outbound.networks import Networks
from tests.agents.notifications.setup import dispatch_all, make_channel, make_rule
from tests.agents.receiver import Received, Receiver, Reply, receiving
from tests.serving import serving

pytestmark = pytest.mark.django_db

LOCAL = Networks.parse(["127.0.0.1"])


@pytest.fixture(autouse=True)
def _local_networks(settings: Settings) -> None:
    settings.NOTIFICATION_NETWORKS = LOCAL


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """Yield the port of a mail server, and the mails that it gets."""
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mail.example\r\n")
            while line := self.rfile.readline():
                if line.strip().upper() == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                self.wfile.write(b"250 ok\r\n")

    with serving(socketserver.TCPServer(("127.0.0.1", 0), Handler)) as server:
        yield server.server_address[1], mails


def send(url: str, count: int = 1) -> Channel:
    """Send events of agents by the real way, from the feed on."""
    channel = make_channel(kind=Channel.Kind.APPRISE, url=url)
    make_rule("expired", channel=channel)
    for number in range(count):
        record_event(
            Kind.EXPIRED, agent_id=f"agent-{number}", actor="registry", reason="no heartbeat"
        )
    dispatch_all()
    deliver_due()
    return channel


def answers() -> set[str]:
    return set(Delivery.objects.values_list("answer", flat=True))


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_events_become_texts_for_people() -> None:
    with receiving() as receiver:
        send(f"json://127.0.0.1:{receiver.port}/hook", count=2)

    assert states() == ["delivered"] * 2
    first, second = [json.loads(one.body) for one in receiver.received]
    assert (first["title"], first["type"]) == ("agent-0: expired", "failure")
    assert "no heartbeat" in first["message"]
    assert f"{project.REGISTRY_URL}/admin/agents/agentevent/" in first["message"]
    assert second["title"] == "agent-1: expired"


def test_a_mail_is_sent() -> None:
    with mail_server() as (port, mails):
        send(f"mailto://127.0.0.1:{port}/?from=registry@agents.example&to=ops@agents.example")

    assert states() == ["delivered"], answers()
    assert "agent-0: expired" in mails[0]


def test_after_failures_the_rest_waits() -> None:
    replies = iter([200, 500, 500])
    with receiving(lambda _: Reply(next(replies))) as receiver:
        channel = send(f"json://127.0.0.1:{receiver.port}/", count=4)

    assert states() == ["delivered", "waiting", "waiting", "waiting"]
    attempts = Delivery.objects.order_by("pk").values_list("attempts", flat=True)
    assert list(attempts) == [1, 1, 1, 0]
    channel.refresh_from_db()
    assert channel.delivered_total == 1


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class TestGuard:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_other_networks_are_not_connected_to(
        self, settings: Settings, receiver: Receiver, host: str
    ) -> None:
        settings.NOTIFICATION_NETWORKS = Networks(public=True)

        send(f"json://{host}:{receiver.port}/")

        assert (states(), receiver.received) == (["waiting"], [])
        assert "is not in the allowed networks (public)" in answers().pop()

    def test_packets_are_not_sent_to_other_networks_either(self, settings: Settings) -> None:
        settings.NOTIFICATION_NETWORKS = Networks(public=True)

        send("rsyslog://127.0.0.1:514")

        assert "is not in the allowed networks" in answers().pop()

    def test_redirects_are_not_followed(self, receiver: Receiver) -> None:
        with receiving() as other:
            receiver.script = lambda _: Reply(302, {"Location": other.url})
            send(f"json://127.0.0.1:{receiver.port}/?redirect=yes")

        assert (states(), other.received) == (["waiting"], [])

    def test_proxies_of_the_environment_are_not_used(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with receiving() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            send(f"json://127.0.0.1:{receiver.port}/")

        assert (states(), proxy.received) == (["delivered"], [])

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("syslog://", "acts on the registry's own machine"),
            ("dbus://", "acts on the registry's own machine"),
            ("no-such-service://x", "no URL of a service"),
            ("slack://bad", "a part of the slack:// URL is missing or wrong"),
            ("mqtt://localhost/topic", "needs packages that are not installed"),
            ("", "no URL of a service"),
        ],
    )
    def test_urls_that_cannot_be_used_are_refused_with_a_reason(
        self, url: str, reason: str
    ) -> None:
        assert reason in describe_url(url)[1]

    def test_usable_urls_are_checked_without_sending(self, receiver: Receiver) -> None:
        shown, problem = describe_url(f"json://user:password@127.0.0.1:{receiver.port}/")

        assert problem == ""
        assert shown.startswith("json://user:****@127.0.0.1")
        assert receiver.received == []

    def test_the_process_reads_and_writes_no_files_and_starts_no_programs(
        self, tmp_path: Path
    ) -> None:
        """Whatever a URL makes a service do."""
        secret = tmp_path / "secret"
        secret.write_text("hidden")
        code = f"""
import json, os, socket, subprocess
from agents.outbound.networks import Networks
from agents.outbound.process import guard_process
refusals = guard_process(Networks.parse(["127.0.0.1"]), ["/usr"])
def fails(action):
    try:
        action()
    except PermissionError:
        return True
    return False
print(json.dumps([
    fails(lambda: open({str(secret)!r})),
    fails(lambda: open("/usr/../{secret}")),
    fails(lambda: os.open({str(secret)!r}, os.O_RDONLY)),
    fails(lambda: open("/usr/written-by-a-test", "w")),
    fails(lambda: subprocess.run(["true"])),
    fails(lambda: os.system("true")),
    fails(lambda: os.fork()),
    fails(lambda: socket.socket(socket.AF_UNIX).connect({str(secret)!r})),
    fails(lambda: socket.socket().connect(("localhost", 1))),
    fails(lambda: socket.socket().connect(("127.0.0.2", 1))),
]), len(refusals) > 8)
"""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=project.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == f"{json.dumps([True] * 10)} True\n"


def test_a_service_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "SECONDS", 3.0)
    end = threading.Event()

    def hang(_received: Received) -> Reply:
        end.wait(60)
        return Reply()

    with receiving(hang) as receiver:
        send(f"json://127.0.0.1:{receiver.port}/?rto=60")
        end.set()

    assert states() == ["waiting"]
    assert answers() == {"no answer within 3 s"}


def test_a_test_is_a_text_too(receiver: Receiver) -> None:
    channel = make_channel(kind=Channel.Kind.APPRISE, url=f"json://127.0.0.1:{receiver.port}/")
    delivery_of(of_test(database_now(), channel.name), channel, database_now()).save()

    deliver_due()

    assert json.loads(receiver.received[0].body)["title"] == "Test of hooks"
