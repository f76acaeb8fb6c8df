import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from registry_project.endpoints.healthcheck import main as check_health
from registry_project.settings import env

PROJECT = Path(__file__).parents[2]


def setting(name: str, folder: Path, **environment: str) -> str:
    """Return the value of a setting in a process with only these variables."""
    code = f"from registry_project import settings; print(settings.{name})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={"REGISTRY_VAR_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_every_variable_is_documented() -> None:
    page = (PROJECT / "docs" / "configuration.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))

    assert documented == env.names


def test_a_missing_secret_key_is_created_and_kept(tmp_path: Path) -> None:
    key = setting("SECRET_KEY", tmp_path)

    assert len(key) >= 50
    assert setting("SECRET_KEY", tmp_path) == key


def test_with_redis_as_the_broker_no_folder_is_created(tmp_path: Path) -> None:
    url = "redis://redis.example:6379/1"

    assert setting("CELERY_BROKER_URL", tmp_path, CELERY_BROKER_URL=url, SECRET_KEY="x") == url
    assert list(tmp_path.iterdir()) == []


def test_sqlite_writes_through_to_the_disk(tmp_path: Path) -> None:
    options = setting("DATABASES['default']['OPTIONS']", tmp_path)

    assert "journal_mode=WAL" in options
    assert "synchronous=FULL" in options
    assert "'transaction_mode': 'IMMEDIATE'" in options


def test_agents_are_probed_only_where_networks_are_named(tmp_path: Path) -> None:
    def tasks(**environment: str) -> str:
        return setting("CELERY_BEAT_SCHEDULE.keys()", tmp_path, **environment)

    assert "probe-agents" not in tasks()
    assert "probe-agents" in tasks(PROBE_NETWORKS="10.0.0.0/8")


class TestHealthcheck:
    @pytest.mark.parametrize(("status", "code"), [(200, 0), (400, 0), (500, 1), (503, 1)])
    def test_any_status_below_500_is_alive(self, status: int, code: int) -> None:
        class Server(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path == "/health/live"
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None: ...

        with HTTPServer(("127.0.0.1", 0), Server) as server:
            thread = Thread(target=server.handle_request)
            thread.start()
            try:
                assert check_health(server.server_port) == code
            finally:
                thread.join()

    def test_a_port_without_a_server_is_unhealthy(self, capsys: pytest.CaptureFixture[str]) -> None:
        with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
            port = server.server_port

        assert check_health(port) == 1
        assert "unhealthy" in capsys.readouterr().out
