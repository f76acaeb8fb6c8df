"""Notifications of a whole registry, to a receiver that fails, while programs are killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from examples.webhooks.counts import count
from examples.webhooks.receiver import Received as Event
from tests import plain_http
from tests.agents.receiver import Received, Receiver, Reply, receiving
from tests.integration.postgres_cluster import running_cluster
from tests.integration.registry_process import (
    MANAGE,
    PROJECT,
    RegistryProcess,
    environment_for,
    migrate,
    started_registry,
)
from tests.processes import descendants, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

# A worker that was killed keeps its turn for half a minute.
PATIENCE_SECONDS = 120
AGENTS = 12


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@contextmanager
def notifying(
    folder: Path, receiver: Receiver, *events: str, **settings: str
) -> Iterator[tuple[RegistryProcess, str]]:
    """Yield a registry with a channel to the receiver, and the channel's secret."""
    environment = environment_for(folder, NOTIFICATION_NETWORKS="127.0.0.1", **settings)
    migrate(environment)
    kinds = [f"--event={kind}" for kind in events]
    added = subprocess.run(
        [*MANAGE, "add_channel", "hooks", receiver.url, *kinds, "--each", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    with started_registry(folder, environment) as registry:
        registry.wait_until_ready()
        yield registry, added.stdout.strip()


def make_events(registry: RegistryProcess) -> list[tuple[str, str]]:
    """Let agents register and go; return agent and kind of each event."""
    ids = [f"agent-{number}" for number in range(AGENTS)]
    for agent_id in ids:
        agent = {"agent_id": agent_id, "host": "127.0.0.1", "port": 8000}
        plain_http.post(f"{registry.url}/agents/register", json=agent).raise_for_status()
    for agent_id in ids:
        plain_http.request("DELETE", f"{registry.url}/agents/{agent_id}").raise_for_status()
    return [(agent_id, kind) for agent_id in ids for kind in ("registered", "deregistered")]


def read(received: list[Received]) -> list[Event]:
    """Return what was answered with success, in the order of arrival."""
    events = []
    for one in received:
        event = json.loads(one.body)["data"]["event"]
        message_id = one.headers["webhook-id"]
        number = int(event["generation"] or 0)
        events.append(Event(message_id, event["agent_id"], event["kind"], number))
    return events


def kill_while_it_sends(registry: RegistryProcess, program: str, receiver: Receiver) -> None:
    """Kill a program, and all of its children, as soon as a message has arrived."""
    wait_until(lambda: receiver.received, "the first message", PATIENCE_SECONDS)
    pid = registry.programs()[program]
    for one in [pid, *descendants(pid)]:
        os.kill(one, signal.SIGKILL)


def check_that_nothing_is_missed(registry: RegistryProcess, receiver: Receiver) -> None:
    accepted: list[Received] = []
    hanging = threading.Event()

    def script(one: Received) -> Reply:
        if not hanging.is_set():
            hanging.wait(60)
            return Reply(503)
        accepted.append(one)
        return Reply()

    receiver.script = script
    happened = make_events(registry)
    kill_while_it_sends(registry, "worker", receiver)
    hanging.set()
    wait_until(
        lambda: not count(happened, read(list(accepted))).missed, "all messages", PATIENCE_SECONDS
    )

    counts = count(happened, read(accepted))
    assert (counts.delivered, counts.missed, counts.out_of_order) == (len(happened), 0, 0)


def test_a_killed_worker_loses_no_message(tmp_path: Path, receiver: Receiver) -> None:
    with notifying(tmp_path, receiver, "registered", "deregistered") as (registry, secret):
        check_that_nothing_is_missed(registry, receiver)

    for one in receiver.received:
        Webhook(secret).verify(one.body, dict(one.headers))


def test_the_same_with_postgresql_and_redis(
    tmp_path: Path, receiver: Receiver, postgres_programs: Path, redis_url: str
) -> None:
    with (
        running_cluster(postgres_programs) as cluster,
        notifying(
            tmp_path,
            receiver,
            *("registered", "deregistered"),
            DATABASE_URL=cluster.url,
            CELERY_BROKER_URL=redis_url,
        ) as (registry, _),
    ):
        check_that_nothing_is_missed(registry, receiver)


def test_the_death_of_an_agent_arrives_within_seconds_also_after_the_web_was_killed(
    tmp_path: Path, receiver: Receiver
) -> None:
    with notifying(tmp_path, receiver, "expired") as (registry, _):
        agent = {"agent_id": "dies", "host": "127.0.0.1", "port": 8000, "ttl_seconds": 3}
        plain_http.post(f"{registry.url}/agents/register", json=agent).raise_for_status()
        pid = registry.programs()["web"]
        for one in [pid, *descendants(pid)]:
            os.kill(one, signal.SIGKILL)
        wait_until(lambda: receiver.received, "the message", PATIENCE_SECONDS)

    message = json.loads(receiver.received[0].body)
    assert message["type"] == "agent.expired"
    assert message["data"]["agent"]["agent_id"] == "dies"


def test_make_webhooks_misses_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.webhooks", "--fails", "4"],
        cwd=PROJECT,
        env=environment_for(tmp_path, TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "missed 0, out of order 0" in done.stdout
