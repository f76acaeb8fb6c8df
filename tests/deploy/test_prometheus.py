"""Prometheus scrapes a registry, with the files in deploy/, and finds all that they ask for."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import plain_http
from tests.deploy.monitoring import PROMETHEUS, alerts, panel_queries
from tests.integration.registry_process import (
    MANAGE,
    RegistryProcess,
    environment_for,
    free_port,
    ready_registry,
)
from tests.processes import wait_until

pytestmark = pytest.mark.integration
PATIENCE = 120.0  # the first count of events comes after ten seconds


@pytest.fixture(scope="module")
def prometheus(prometheus_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that scrapes a registry in token mode."""
    folder = tmp_path_factory.mktemp("monitoring")
    environment = environment_for(
        folder,
        REGISTRY_AUTH="token",
        METRICS_TAGS="gpu",
        PROBE_NETWORKS="127.0.0.1",
        SWEEP_INTERVAL_SECONDS="1",
    )
    with ready_registry(folder, environment) as registry:
        reader = issue_token(environment, "--read-only")
        live(registry, issue_token(environment))
        make_channel(environment)
        port = free_port()
        command = [
            prometheus_program,
            f"--config.file={configure(folder / 'prometheus', registry.port, reader)}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def issue_token(environment: dict[str, str], *rights: str) -> str:
    command = [*MANAGE, "issue_token", "--quiet", *rights]
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()


def make_channel(environment: dict[str, str]) -> None:
    command = [*MANAGE, "add_channel", "ops", "https://hooks.example/registry", "--event=expired"]
    subprocess.run(command, env=environment, capture_output=True, check=True)


def live(registry: RegistryProcess, token: str) -> None:
    """Register an agent, refuse another, and let one expire."""
    for agent_id, ttl in (("a", 600), ("b", 1)):
        agent = {"agent_id": agent_id, "host": "h", "port": 80, "ttl_seconds": ttl, "tags": ["gpu"]}
        headers = {"Authorization": f"Bearer {token.strip()}"}
        answer = plain_http.post(f"{registry.url}/agents/register", json=agent, headers=headers)
        answer.raise_for_status()
    lease = {"Lease-Token": answer.json()["lease_token"]}
    plain_http.post(f"{registry.url}/agents/b/heartbeat", headers=lease).raise_for_status()
    refused = plain_http.post(f"{registry.url}/agents/a/heartbeat", headers=lease)
    assert refused.status_code == httpx.codes.FORBIDDEN


def configure(folder: Path, port: int, token: str) -> Path:
    """Copy the files in deploy/, with the address and the token of a registry."""
    folder.mkdir()
    for file in PROMETHEUS.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "token").write_text(token)
    path = folder / "prometheus.yml"
    config = yaml.safe_load(path.read_text())
    [job] = config["scrape_configs"]
    [job["static_configs"][0]["targets"]] = [[f"127.0.0.1:{port}"]]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    path.write_text(yaml.safe_dump(config))
    return path


def call(url: str, path: str, **parameters: str) -> Any:
    with suppress(httpx.TransportError):
        answer = plain_http.get(f"{url}/api/v1/{path}", params=parameters)
        if answer.is_success or answer.status_code == httpx.codes.BAD_REQUEST:
            return answer.json()
    return {"status": "away", "data": {"result": [], "groups": []}}


@pytest.mark.parametrize("name", panel_queries())
def test_every_query_of_the_dashboard_has_a_result(prometheus: str, name: str) -> None:
    query = panel_queries()[name]

    def has_result() -> bool:
        answer = call(prometheus, "query", query=query)
        assert answer["status"] != "error", answer
        return bool(answer["data"]["result"])

    wait_until(has_result, f"a result of {query}", PATIENCE)


def test_every_alert_is_evaluated_without_errors(prometheus: str) -> None:
    def evaluated() -> bool:
        groups = call(prometheus, "rules")["data"]["groups"]
        rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
        assert "err" not in rules.values(), groups
        return rules == dict.fromkeys(alerts(), "ok")

    wait_until(evaluated, "all alerts evaluated", PATIENCE)


def test_a_healthy_registry_raises_no_critical_alert(prometheus: str) -> None:
    wait_until(
        lambda: call(prometheus, "query", query="agent_registry_database_up")["data"]["result"],
        "a scrape",
        PATIENCE,
    )

    raised = call(prometheus, "query", query='ALERTS{severity="critical", alertstate="firing"}')
    assert raised["data"]["result"] == []
