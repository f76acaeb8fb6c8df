"""Workers call agents; real servers answer, refuse, redirect, hang and lie."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import F
from pytest_django import Settings
from rest_framework.test import APIClient

from agents import leases, tasks
from agents.models import AgentEvent, AgentProbe, ProbeMark
from agents.outbound.networks import Networks
from agents.probes import run as module
from agents.probes.own import own_endpoints
from agents.probes.record import record
from agents.probes.run import run_probes
from agents.probes.survey import survey
from agents.states import Probe
from tests.agents.passing_time import fleet
from tests.agents.probes.probing import probe_all
from tests.agents.receiver import Receiver, Reply, receiving
from tests.factories import AgentFactory
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("probes_on")]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def agent_at(server: Receiver, agent_id: str = "a", **more: Any) -> None:
    leases.register(agent_id=agent_id, host="127.0.0.1", port=server.port, **more)


def always(reply: Reply) -> Callable[[object], Reply]:
    return lambda _: reply


def found(agent_id: str = "a") -> tuple[str, str]:
    probe = AgentProbe.objects.get(agent_id=agent_id)
    return probe.verdict, probe.reason


def events() -> list[tuple[str, str, str]]:
    kinds = AgentEvent.Kind.PROBE_FAILED, AgentEvent.Kind.PROBE_RECOVERED
    written = AgentEvent.objects.filter(kind__in=kinds).order_by("pk")
    return list(written.values_list("kind", "actor", "reason"))


def test_the_readiness_of_an_agent_is_asked_for(server: Receiver) -> None:
    agent_at(server)

    assert probe_all() == 1

    [received] = server.received
    assert (received.method, received.path, received.body) == ("GET", "/health/ready", b"")
    assert received.headers["host"] == f"127.0.0.1:{server.port}"
    assert found() == (Probe.ANSWERS, "200 OK")
    assert events() == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(503), "503 Service Unavailable"),
        (Reply(404, body=b"[]"), "404 Not Found"),
        (Reply(999), "999"),
        (
            Reply(503, body=b'{"reason": "no model\\u0000 yet"}'),
            "503 Service Unavailable: no model  yet",
        ),
        (Reply(503, body=b'{"reason": 7}'), "503 Service Unavailable"),
        (Reply(503, body=b"[" * 3000), "503 Service Unavailable"),
        (
            Reply(503, body=json.dumps({"reason": "x" * 500}).encode()),
            f"503 Service Unavailable: {'x' * 120}",
        ),
    ],
)
def test_an_agent_that_answers_otherwise_is_not_ready(
    server: Receiver, reply: Reply, reason: str
) -> None:
    server.script = always(reply)
    agent_at(server)

    probe_all()

    assert found() == (Probe.NOT_READY, reason)
    assert events() == [("probe-failed", "probe", reason)]


def test_a_redirect_is_not_followed(server: Receiver) -> None:
    with receiving() as elsewhere:
        server.script = lambda _: Reply(302, {"Location": f"{elsewhere.url}/health/ready"})
        agent_at(server)

        probe_all()

        assert found() == (Probe.NOT_READY, "302 Found")
        assert elsewhere.received == []


def test_an_agent_that_hangs_is_given_up_and_delays_no_other(
    server: Receiver, settings: Settings
) -> None:
    settings.PROBE_TIMEOUT_SECONDS = 0.5
    may_end = threading.Event()
    server.script = lambda _: Reply(200 if may_end.wait(60) else 500)
    agent_at(server, "hangs")
    with receiving() as other:
        agent_at(other, "b")

        assert probe_all() == 2

    may_end.set()
    assert found("hangs") == (Probe.UNREACHABLE, "no answer within 0.5 s")
    assert found("b") == (Probe.ANSWERS, "200 OK")


def test_an_endless_body_is_cut(server: Receiver) -> None:
    server.script = lambda _: Reply(body=b" " * 1_000_000)
    agent_at(server)

    probe_all()

    assert found() == (Probe.ANSWERS, "200 OK")


def test_an_agent_that_nobody_is_at_is_unreachable() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    leases.register(agent_id="a", host="127.0.0.1", port=port)

    probe_all()

    assert found() == (Probe.UNREACHABLE, "connection refused")


class TestForbiddenPlaces:
    @pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.7", "127.0.0.2", "::1", "[::1]"])
    def test_other_networks_are_not_called(self, host: str) -> None:
        AgentFactory.create(agent_id="a", host=host)

        probe_all()

        verdict, reason = found()
        assert verdict == Probe.NOT_PROBED
        assert "not in the allowed networks (127.0.0.1/32)" in reason or "not valid" in reason
        assert events() == []

    @pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1"])
    def test_link_local_addresses_are_not_called_even_if_all_are_allowed(
        self, settings: Settings, host: str
    ) -> None:
        settings.PROBE_NETWORKS = Networks.parse(["0.0.0.0/0", "::/0", "public"])
        AgentFactory.create(agent_id="a", host=host)

        probe_all()

        assert found()[0] == Probe.NOT_PROBED

    @pytest.mark.parametrize("setting", ["REGISTRY_URL", "CELERY_BROKER_URL", "RATE_STORE_URL"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_the_registry_and_its_services_are_not_called(
        self, server: Receiver, settings: Settings, setting: str, host: str
    ) -> None:
        settings.PROBE_NETWORKS = Networks.parse(["127.0.0.0/8", "::1"])
        scheme = "http" if setting == "REGISTRY_URL" else "redis"
        setattr(settings, setting, f"{scheme}://{host}:{server.port}")
        agent_at(server)

        probe_all()

        assert server.received == []
        assert found() == (
            Probe.NOT_PROBED,
            f"127.0.0.1 port {server.port} is the registry's own",
        )

    def test_ports_that_urls_leave_out_are_known(self, settings: Settings) -> None:
        settings.REGISTRY_URL = "http://192.0.2.1"
        settings.CELERY_BROKER_URL = "redis://192.0.2.2/1"
        settings.RATE_STORE_URL = "filesystem://192.0.2.3"

        own = own_endpoints()

        assert own.has("192.0.2.1", 80)
        assert own.has("192.0.2.2", 6379)
        assert not own.has("192.0.2.3", 6379)
        assert not own.has("192.0.2.1", 81)

    def test_a_mapped_address_is_that_of_the_registry_too(self, settings: Settings) -> None:
        settings.REGISTRY_URL = "http://192.0.2.1:9000"

        assert own_endpoints().has("::ffff:192.0.2.1", 9000)


def test_an_agent_that_fails_and_comes_back_leaves_events(server: Receiver) -> None:
    agent_at(server)
    for status in (200, 503, 503, 200, 200):
        server.script = always(Reply(status))
        probe_all()

    assert found()[0] == Probe.ANSWERS
    assert events() == [
        ("probe-failed", "probe", "503 Service Unavailable"),
        ("probe-recovered", "probe", "200 OK"),
    ]


def test_an_agent_that_dies_between_two_probes_is_unreachable(settings: Settings) -> None:
    settings.PROBE_FAILURES = 2
    with receiving() as server:
        agent_at(server)
        probe_all()
    probe_all()
    assert found() == (
        Probe.ANSWERS,
        "1 of 2 failures in a row: connection refused",
    )

    probe_all()

    assert found() == (Probe.UNREACHABLE, "connection refused")


def test_a_registration_during_a_probe_makes_its_result_void(
    api: APIClient, server: Receiver
) -> None:
    server.script = always(Reply(503))
    agent_at(server)

    with during_calls(lambda: agent_at(server)):
        probe_all()

    assert api.get("/agents/pick").status_code == 200
    assert events() == []


def test_an_agent_that_is_gone_after_a_probe_leaves_no_event(server: Receiver) -> None:
    server.script = always(Reply(503))
    agent_at(server)

    with during_calls(lambda: leases.deregister(agent_id="a")):
        probe_all()

    assert events() == []


@contextmanager
def during_calls(act: Callable[[], object]) -> Iterator[None]:
    """Do something after the calls and before their results are written."""

    def act_and_record(results: Any) -> int:
        act()
        return record(results)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "record", act_and_record)
        yield


def test_a_fault_of_ours_says_nothing_about_the_agent(
    server: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def call(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "call", call)
    agent_at(server)

    assert probe_all() == 1

    assert found() == (Probe.NOT_PROBED, "")
    assert "an agent could not be probed" in caplog.text


def test_if_the_database_goes_away_calls_are_given_up(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    server.script = lambda _: Reply(200 if may_end.wait(60) else 500)

    def record(_: object) -> int:
        wait_until(lambda: server.received, "the call")
        raise OperationalError("away")

    monkeypatch.setattr(module, "record", record)
    agent_at(server)

    with pytest.raises(OperationalError):
        probe_all()

    may_end.set()
    assert not [one for one in threading.enumerate() if one.name == "probes"]


def test_many_agents_are_called_at_once(server: Receiver, settings: Settings) -> None:
    settings.PROBE_BUDGET_PER_SECOND = 1000
    everybody = threading.Barrier(30)
    server.script = lambda _: Reply(200 + min(everybody.wait(60), 0))
    for number in range(30):
        agent_at(server, f"a-{number}")

    assert probe_all() == 30

    assert set(AgentProbe.objects.values_list("verdict", flat=True)) == {Probe.ANSWERS}


def test_a_worker_goes_on_while_the_budget_lasts_and_agents_are_due(
    server: Receiver, settings: Settings
) -> None:
    settings.PROBE_BUDGET_PER_SECOND = 40
    for number in range(60):
        agent_at(server, f"a-{number}")

    assert probe_all() == 60


def test_a_worker_stops_in_time_and_leaves_the_rest(settings: Settings) -> None:
    settings.PROBE_BUDGET_PER_SECOND = 1
    fleet(50)
    survey()
    AgentProbe.objects.update(due_at=F("due_at") - timedelta(hours=1))
    ProbeMark.objects.update(at=F("at") - timedelta(seconds=2))

    assert run_probes(0) == 1


def test_the_task_probes(server: Receiver) -> None:
    agent_at(server)
    survey()
    AgentProbe.objects.update(due_at=F("due_at") - timedelta(hours=1))
    ProbeMark.objects.update(at=F("at") - timedelta(seconds=2))

    assert tasks.probe_agents() == 1


def test_pick_avoids_an_agent_whose_probe_fails(api: APIClient, server: Receiver) -> None:
    server.script = always(Reply(503))
    agent_at(server)
    assert api.get("/agents/pick").status_code == 200

    probe_all()
    assert api.get("/agents/pick").status_code == 404

    server.script = always(Reply(200))
    probe_all()
    assert api.get("/agents/pick").status_code == 200
