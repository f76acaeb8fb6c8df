"""The file-based broker delivers messages in spite of broken files from a crash or a full disk."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from kombu import Connection
from kombu.transport.virtual import BrokerState

from registry_project.local.broker import FOLDER_URL, TRANSPORT, FolderTransport, folder_broker

# JSON files cut short by a kill or a full disk, and content that no program of ours writes.
RUBBISH = [b"", b"[", b'[["celery", ""', b"\xff\xfe\x00", b"{}", b"null", b"7", b"[[1, 2, 3, 4]]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def connection(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    # kombu keeps the bindings of queues in a global of the process.
    monkeypatch.setattr(FolderTransport, "global_state", BrokerState())
    with Connection(
        FOLDER_URL, transport=TRANSPORT, transport_options=folder_broker(folder)
    ) as opened:
        yield opened


def send_and_receive(connection: Connection, text: str) -> str:
    with connection.SimpleQueue("celery") as queue:
        queue.put(text)
        message = queue.get(timeout=5)
        message.ack()
        return str(message.payload)


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_a_broken_exchange_file_is_rewritten(
    folder: Path, connection: Connection, rubbish: bytes
) -> None:
    (folder / "control" / "celery.exchange").write_bytes(rubbish)

    assert send_and_receive(connection, "sweep") == "sweep"
    assert send_and_receive(connection, "again") == "again"


@pytest.mark.parametrize("rubbish", [*RUBBISH, b'{"body": "x"}'])
def test_a_broken_message_is_dropped_and_others_are_delivered(
    folder: Path, connection: Connection, rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "messages" / "0_broken.celery.msg").write_bytes(rubbish)

    with caplog.at_level(logging.WARNING, "registry_project.broker"):
        assert send_and_receive(connection, "sweep") == "sweep"

    assert "dropped" in caplog.text
    assert list((folder / "messages").iterdir()) == []


def test_messages_arrive_in_the_order_in_which_they_were_sent(connection: Connection) -> None:
    with connection.SimpleQueue("celery") as queue:
        for number in range(5):
            queue.put(number)
            time.sleep(0.002)  # messages are ordered by millisecond
        received = [queue.get(timeout=5).payload for _ in range(5)]

    assert received == list(range(5))


def test_a_failed_write_leaves_no_file_behind(
    folder: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _text: str, **_kwargs: object) -> int:
        raise OSError(28, "No space left on device")

    with connection.SimpleQueue("celery") as queue:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", full)
            with pytest.raises(OSError, match="No space left"):
                queue.put("lost")
        queue.put("kept")
        assert queue.get(timeout=5).payload == "kept"

    assert list((folder / "messages").iterdir()) == []


@pytest.mark.integration
def test_a_worker_starts_with_broken_files_and_runs_its_tasks(tmp_path: Path) -> None:
    broker = tmp_path / "broker"
    folder_broker(broker)
    for name in ("celery.exchange", "celery.pidbox.exchange", "celeryev.exchange"):
        (broker / "control" / name).write_bytes(b'[["ce')
    (broker / "messages" / "0_half.celery.msg").write_bytes(b'{"body": "W1')
    env = os.environ | {"REGISTRY_VAR_DIR": str(tmp_path), "LOG_LEVEL": "INFO"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=settings.BASE_DIR, env=env, check=True,
    )  # fmt: skip
    send = "from agents.tasks import purge_expired; purge_expired.delay()"
    code = f"import django; django.setup(); {send}"
    env["DJANGO_SETTINGS_MODULE"] = "registry_project.settings"
    subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=env, check=True)

    output = ""
    with subprocess.Popen(
        [sys.executable, "-m", "celery", "--app=registry_project", "worker", "--pool=solo",
         "--loglevel=INFO"],
        cwd=settings.BASE_DIR, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as worker:  # fmt: skip
        assert worker.stdout is not None
        for line in worker.stdout:
            output += line
            if "succeeded" in line:
                worker.terminate()

    assert "purge_expired" in output
    assert "succeeded" in output, output
    assert "Traceback" not in output
