"""The files for Prometheus and Grafana name metrics that there are, and are valid."""

import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from rest_framework.test import APIClient

from agents import leases
from agents.history.activity import count_events
from agents.leases.purge.registry_uptime import pulse
from agents.outbound.networks import Networks
from agents.probes.survey import survey
from tests.agents.notifications.setup import dispatch_all, make_channel
from tests.deploy.monitoring import DASHBOARD, PROMETHEUS, alerts, panel_queries
from tests.integration.registry_process import PROJECT

MONITORING = (PROJECT / "docs" / "monitoring.md").read_text()
METRIC = re.compile(r"(agent_registry_\w+)(?:\{([^}]*)\})?")
QUERIES = panel_queries() | {name: alert["expr"] for name, alert in alerts().items()}


@pytest.fixture
def labels(db: None, settings: Settings) -> dict[str, set[str]]:
    """The labels of each metric that a registry reports."""
    settings.METRICS_TAGS = ["gpu"]
    settings.PROBE_NETWORKS = Networks()
    leases.register(agent_id="a", host="h", port=1)
    leases.purge_expired()
    pulse()
    count_events()
    make_channel()
    dispatch_all()
    survey()
    api = APIClient()
    api.post("/agents/unknown/heartbeat")
    families = text_string_to_metric_families(api.get("/metrics").content.decode())
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_names_metrics_and_labels_that_there_are(
    labels: dict[str, set[str]], name: str
) -> None:
    found = METRIC.findall(QUERIES[name])

    assert found
    for metric, matchers in found:
        assert metric in labels
        assert set(re.findall(r"(\w+)=", matchers)) <= labels[metric]


def test_every_metric_is_documented_and_no_other(labels: dict[str, set[str]]) -> None:
    table = MONITORING.partition("## Metrics")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)", table, re.MULTILINE))

    metrics = {name.removeprefix("agent_registry_") for name in labels}
    assert documented == {re.sub("_(bucket|count|sum)$", "", name) for name in metrics}


def test_every_alert_is_explained_and_no_other() -> None:
    explained = re.findall(r"^\| `(AgentRegistry\w+)` \|", MONITORING, re.MULTILINE)

    assert explained == list(alerts())


def test_every_alert_is_tested_where_it_fires_and_where_it_does_not() -> None:
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]

    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    is_silent = {case["alertname"] for case in cases if not case["exp_alerts"]}

    assert fires == is_silent == set(alerts())


@pytest.mark.parametrize(
    "arguments", [("test", "rules", "rules_test.yml"), ("check", "config", "prometheus.yml")]
)
def test_promtool_accepts(promtool: str, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for file in PROMETHEUS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "token").touch()

    done = subprocess.run(
        [promtool, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


class TestDashboard:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]

    def test_panels_have_their_own_ids_and_titles(self) -> None:
        for key in ("id", "title"):
            assert len({panel[key] for panel in self.panels}) == len(self.panels)

    def test_panels_lie_beside_each_other_within_the_page(self) -> None:
        places = [panel["gridPos"] for panel in self.panels]

        assert all(place["x"] + place["w"] <= 24 for place in places)
        for one, other in combinations(places, 2):
            assert not (_overlap(one, other, "x", "w") and _overlap(one, other, "y", "h"))

    def test_every_query_asks_the_data_source_that_the_user_chooses(self) -> None:
        [variable] = DASHBOARD["templating"]["list"]
        chosen = {"type": variable["query"], "uid": f"${{{variable['name']}}}"}

        assert all(
            part["datasource"] == chosen
            for panel in self.panels
            for part in (panel, *panel["targets"])
        )


def _overlap(one: dict[str, int], other: dict[str, int], start: str, length: str) -> bool:
    return one[start] < other[start] + other[length] and other[start] < one[start] + one[length]
