"""Metrics, as Prometheus' own parser reads them."""

import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploygen.runtime.config import ConfigError
from tests.deploygen.fake_registry import FakeRegistry
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent
from tests.processes import wait_until

DIGEST = "sha256:" + "0af" * 21 + "0"
MAY_FAIL = """
from fastapi import HTTPException
def handle(inputs):
    if inputs["how"] == "refuse": raise HTTPException(422, "no")
    return {"half": 1 / inputs["how"]}
"""


def samples(agent: RunningAgent) -> dict[str, float]:
    answer = agent.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_runs_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    with running_agent(tmp_path, MAY_FAIL) as agent:
        agent.wait_until_ready()
        assert samples(agent)["agent_runs_total{state=done}"] == 0
        for how in (1, 2, 0, "refuse"):
            agent.run(how=how)
        found = samples(agent)
    assert found["agent_runs_total{state=done}"] == 2
    assert found["agent_runs_total{state=failed}"] == 2
    assert found["agent_runs_total{state=cancelled}"] == 0
    assert found["agent_run_seconds_count{}"] == found["agent_run_seconds_bucket{le=+Inf}"] == 4
    assert found["agent_runs_running{}"] == 0
    assert found["agent_ready{}"] == 1


def test_durations_are_in_the_buckets_that_contain_them(tmp_path: Path) -> None:
    handler = "import time\ndef handle(inputs): time.sleep(0.11); return {}"
    with running_agent(tmp_path, handler) as agent:
        agent.run()
        found = samples(agent)
    assert found["agent_run_seconds_bucket{le=0.1}"] == 0
    assert found["agent_run_seconds_bucket{le=60.0}"] == 1
    assert found["agent_run_seconds_sum{}"] > 0.1


def test_a_running_job_and_an_unready_agent_show(tmp_path: Path) -> None:
    handler = "import asyncio\nasync def handle(inputs): await asyncio.Event().wait()"
    more: dict[str, Any] = {"sync_timeout": 0.01, "dependencies": ["127.0.0.1:1"]}
    with running_agent(tmp_path, handler, **more) as agent:
        wait_until(lambda: "is away" in str(agent.reason()), "the dependency's check")
        url = agent.run().json()["status_url"]
        found = samples(agent)
        assert (found["agent_runs_running{}"], found["agent_ready{}"]) == (1, 0)
        agent.http.delete(url)
        assert samples(agent)["agent_runs_total{state=cancelled}"] == 1


def test_metrics_say_what_the_agent_is(tmp_path: Path) -> None:
    environ = {"AGENT_IMAGE_DIGEST": DIGEST}
    with running_agent(tmp_path, environ=environ, name='a "b"\\\n', version="2.0") as agent:
        [info] = [
            sample.labels
            for family in text_string_to_metric_families(agent.http.get("/metrics").text)
            for sample in family.samples
            if sample.name == "agent_info"
        ]
    assert info == {
        "name": 'a "b"\\\n',
        "agent_id": "an-agent",
        "version": "2.0",
        "image_digest": DIGEST,
    }


def test_an_invalid_digest_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^AGENT_IMAGE_DIGEST"):
        running_agent(tmp_path, environ={"AGENT_IMAGE_DIGEST": "latest"}).__enter__()


def test_the_lease_shows(tmp_path: Path, registry: FakeRegistry) -> None:
    before = time.time()
    joined: dict[str, Any] = {
        "extensions": [".registry"],
        "registry": {"url": registry.url, "ttl_seconds": 60},
    }
    with running_agent(tmp_path, environ={"AGENT_IMAGE_DIGEST": DIGEST}, **joined) as agent:
        wait_until(lambda: samples(agent)["agent_lease_held{}"] == 1, "the lease")
        found = samples(agent)
    assert found["agent_lease_ttl_seconds{}"] == 60
    assert found["agent_registry_failures_total{}"] == 0
    assert before <= found["agent_lease_renewed_timestamp_seconds{}"] <= time.time()
    assert registry.of("register")[0].body["metadata"]["image_digest"] == DIGEST


def test_failed_calls_to_the_registry_are_counted(tmp_path: Path) -> None:
    joined: dict[str, Any] = {
        "extensions": [".registry"],
        "registry": {"url": "http://127.0.0.1:1", "ttl_seconds": 60},
    }
    with running_agent(tmp_path, **joined) as agent:
        wait_until(lambda: samples(agent)["agent_registry_failures_total{}"] > 0, "a failure")
        found = samples(agent)
    assert found["agent_lease_held{}"] == 0
    assert "agent_lease_renewed_timestamp_seconds{}" not in found
