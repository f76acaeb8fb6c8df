"""Secrets appear in no log, response or metric, and not in the database."""

import re
import secrets
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    ready_registry,
)

pytestmark = pytest.mark.integration

CREATE_ADMIN = """
from django.contrib.auth.models import User
User.objects.create_superuser("grace", password="{password}")
"""


@dataclass(frozen=True)
class System:
    registry: RegistryProcess
    environment: dict[str, str]
    password: str
    secret_key: str
    database: Path

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [*MANAGE, *arguments],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    password, key = secrets.token_urlsafe(20), secrets.token_urlsafe(60)
    environment = environment_for(
        tmp_path,
        LOG_LEVEL="DEBUG",
        REGISTRY_AUTH="token",
        SECRET_KEY=key,
        SWEEP_INTERVAL_SECONDS="1",
        TERM="dumb",
    )
    with ready_registry(tmp_path, environment) as registry:
        database = tmp_path / "var" / "registry.sqlite3"
        system = System(registry, environment, password, key, database)
        system.manage("shell", "-c", CREATE_ADMIN.format(password=password))
        yield system


def use_everything(system: System) -> dict[str, str]:
    """Use every kind of secret, valid and invalid; return them all by name."""
    issued = system.manage("issue_token", "--read", "--quiet")
    [token] = re.findall(r"art_[a-z0-9]{12}_[A-Za-z0-9]+", issued)
    wrong_token = f"{token[:-5]}wrong"
    wrong_password = secrets.token_urlsafe(20)
    response_texts: list[str] = []
    with httpx.Client(base_url=system.registry.url, timeout=30) as http:

        def call(method: str, path: str, **more: object) -> httpx.Response:
            answer = http.request(method, path, **more)  # type: ignore[arg-type]
            response_texts.append(answer.text)
            return answer

        bearer = {"Authorization": f"Bearer {token}"}
        registration = {"agent_id": "a", "host": "h", "port": 80}
        registered = http.post("/agents/register", json=registration, headers=bearer)
        assert registered.status_code == 201, registered.text
        lease_token = registered.json()["lease_token"]
        lease = {"Lease-Token": lease_token}
        wrong_lease = {"Lease-Token": f"{lease_token[:-3]}xyz"}

        assert call("POST", "/agents/a/heartbeat", headers=lease).status_code == 200
        assert call("POST", "/agents/a/heartbeat", headers=wrong_lease).status_code == 403
        call("POST", "/agents/a/heartbeat", headers=lease, content=b"{")
        call("POST", "/agents/register", headers=bearer, json={"agent_id": token})
        assert call("GET", "/agents", headers=bearer).status_code == 200
        wrong_bearer = {"Authorization": f"Bearer {wrong_token}"}
        assert call("GET", "/agents", headers=wrong_bearer).status_code == 401
        call("GET", "/agents", headers={"Authorization": wrong_token})
        call("GET", "/metrics", headers=bearer)
        call("GET", "/agents", headers={"Authorization": f"Bearer {token} {token}"})

        for password in (wrong_password, system.password):
            page = http.get("/admin/login/")
            form = {
                "csrfmiddlewaretoken": re.findall(r'value="(\w{64})"', page.text)[0],
                "username": "grace",
                "password": password,
            }
            answer = call("POST", "/admin/login/", data=form)
        assert answer.status_code == 302
        session = http.cookies["sessionid"]
        assert "grace" in call("GET", "/admin/").text
        call("GET", "/admin/agents/agentrecord/")
        assert call("DELETE", "/agents/a", headers=lease).status_code == 200
    return {
        "the secret key": system.secret_key,
        "the access token": token.rpartition("_")[2],
        "a wrong access token": wrong_token.rpartition("_")[2],
        "the lease token": lease_token.partition(".")[2],
        "a wrong lease token": wrong_lease["Lease-Token"].partition(".")[2],
        "the password": system.password,
        "a wrong password": wrong_password,
        "the session": session,
        "answers": "\n".join(response_texts),
    }


def test_no_secret_is_written_anywhere(system: System) -> None:
    used = use_everything(system)
    answers = used.pop("answers")
    log = system.registry.output
    assert "DEBUG" in log
    dump = "\n".join(sqlite3.connect(system.database).iterdump())
    assert "grace" in dump
    files = b"".join(path.read_bytes() for path in system.database.parent.rglob("*sqlite3*"))

    for what, secret in used.items():
        assert len(secret) >= 20, what
        assert secret not in log, f"{what} is in the log"
        assert secret not in dump, f"{what} is in the database"
        assert secret.encode() not in files, f"{what} is in the files of the database"
        assert secret not in answers, f"{what} is in an answer"
