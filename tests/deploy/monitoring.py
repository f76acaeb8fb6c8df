"""The files in deploy/ for Prometheus and Grafana."""

import json
from typing import Any

import yaml

from tests.integration.registry_process import PROJECT

PROMETHEUS = PROJECT / "deploy" / "prometheus"
DASHBOARD = json.loads((PROJECT / "deploy" / "grafana" / "dashboard.json").read_text())


def alerts() -> dict[str, Any]:
    """Return the alerts of rules.yml by name."""
    [group] = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def panel_queries() -> dict[str, str]:
    """Return the dashboard's queries by panel and letter, with an interval as Grafana sets one."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "1m")
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    }
