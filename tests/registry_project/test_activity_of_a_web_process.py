"""A web process writes its counts to the database when it stops."""

import sqlite3
from pathlib import Path

import pytest

from tests.registry_project.server.registry_web import heartbeat, prepared, registry_web

pytestmark = pytest.mark.integration


def test_a_stopping_web_process_saves_its_counts(tmp_path: Path) -> None:
    environment = prepared(tmp_path)
    with registry_web(tmp_path, environment, workers=2) as web:
        web.register("a", ttl_seconds=3600)
        for _ in range(7):
            assert web.exchange(heartbeat("a")).status == 200

    database = sqlite3.connect(tmp_path / "var" / "registry.sqlite3")
    [(heartbeats,)] = database.execute("SELECT SUM(heartbeats) FROM agents_activityminute")
    database.close()
    assert heartbeats == 7
