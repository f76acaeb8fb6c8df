"""Traces of an agent as a process: OpenTelemetry has one provider in each."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from deploygen.output.rendering import render
from deploygen.output.writing import write_folder
from tests import plain_http
from tests.deploygen.fake_registry import FakeRegistry
from tests.deploygen.specs import spec_of
from tests.integration.registry_process import free_port
from tests.processes import wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLS_A_MODEL = """
import httpx, os

def handle(inputs):
    if inputs.get("fail"): raise ValueError("a secret")
    with httpx.Client(trust_env=False) as http:
        answer = http.get(os.environ["MODEL_URL"])
    return {"headers": dict(answer.json())}
"""


class Collector(ThreadingHTTPServer):
    """Takes traces by POST; GET is a model, which answers with the headers it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.received: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> dict[str, Span]:
        return {
            span.name: span
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    @property
    def resource(self) -> dict[str, str]:
        attributes = self.received[0].resource_spans[0].resource.attributes
        return {each.key: each.value.string_value for each in attributes}


class Answer(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(list(self.headers.items())).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


def attributes(span: Span) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in span.attributes
    }


class Agent:
    def __init__(self, folder: Path, log: Path, **environment: str) -> None:
        self.port = free_port()
        self._output = log.open("wb")
        own = {"AGENT_PORT": str(self.port), "AGENT_LOG_FORMAT": "json", "NO_PROXY": "*"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agent_runtime"],
            cwd=folder,
            env=os.environ | own | environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def call(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        try:
            return plain_http.request(method, f"http://127.0.0.1:{self.port}{path}", **options)
        except httpx.TransportError:
            return None

    def is_ready(self) -> bool:
        answer = self.call("GET", "/health/ready")
        return answer is not None and answer.is_success

    def stop(self) -> int:
        self._process.terminate()
        self._output.close()
        return self._process.wait(30)


def traced_runs(
    tmp_path: Path, registry: FakeRegistry, inputs: dict[str, Any], **environment: str
) -> tuple[httpx.Response, str]:
    """Run an agent that joins a registry, call it once, and return the response and the log."""
    spec = spec_of(registry_url=registry.url, traces=True, version="1.2.0")
    folder, log = tmp_path / "agent", tmp_path / "log"
    write_folder(folder, render(spec, {"handler.py": CALLS_A_MODEL}))
    agent = Agent(folder, log, **environment)
    try:
        wait_until(agent.is_ready, "readiness")
        wait_until(lambda: registry.of("heartbeat"), "a heartbeat")
        answer = agent.call(
            "POST", "/run", json=inputs, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}
        )
    finally:
        code = agent.stop()
    assert code == 0, log.read_text()
    assert answer is not None
    return answer, log.read_text()


def test_a_run_and_its_calls_are_spans_below_the_callers(
    tmp_path: Path, registry: FakeRegistry, collector: Collector
) -> None:
    answer, log = traced_runs(
        tmp_path,
        registry,
        {},
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        MODEL_URL=f"{collector.url}/model",
    )
    spans = collector.spans
    # Neither health checks nor calls to the registry.
    assert set(spans) == {"POST /run", "invoke_agent", "GET"}
    request, run, model = spans["POST /run"], spans["invoke_agent"], spans["GET"]
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert run.parent_span_id == request.span_id
    assert model.parent_span_id == run.span_id
    # The model learns where it is called from.
    assert answer.json()["headers"]["traceparent"] == f"00-{TRACE}-{model.span_id.hex()}-01"
    assert attributes(run)["agent.run.state"] == "done"
    assert collector.resource["service.name"] == "an-agent"
    assert collector.resource["service.version"] == "1.2.0"
    [line] = [json.loads(line) for line in log.splitlines() if "POST /run" in line]
    assert line["trace_id"] == TRACE


def test_a_failed_run_is_marked_without_its_message(
    tmp_path: Path, registry: FakeRegistry, collector: Collector
) -> None:
    traced_runs(
        tmp_path,
        registry,
        {"fail": True},
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces",
        OTEL_SERVICE_NAME="another",
    )
    run = collector.spans["invoke_agent"]
    assert run.status.code == Status.StatusCode.STATUS_CODE_ERROR
    assert attributes(run)["agent.run.state"] == "failed"
    assert "secret" not in str(collector.received)
    assert collector.resource["service.name"] == "another"


def test_without_an_endpoint_nothing_is_sent(
    tmp_path: Path, registry: FakeRegistry, collector: Collector
) -> None:
    answer, log = traced_runs(tmp_path, registry, {}, MODEL_URL=f"{collector.url}/model")
    assert answer.is_success
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is not set" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
)
def test_what_the_agent_cannot_do_is_refused_at_the_start(
    tmp_path: Path, variable: str, value: str
) -> None:
    write_folder(tmp_path / "agent", render(spec_of(registry_url=None, traces=True)))
    done = subprocess.run(
        [sys.executable, "-m", "agent_runtime"],
        cwd=tmp_path / "agent",
        env=os.environ | {variable: value, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert variable in done.stderr


def test_only_agents_that_ask_for_traces_have_their_packages() -> None:
    without, with_traces = render(spec_of()), render(spec_of(traces=True))
    added = set(with_traces) - set(without)
    assert added == {
        "agent_runtime/tracing/__init__.py",
        "agent_runtime/tracing/extension.py",
        "constraints.txt",
        "requirements-agent.txt",
    }
    assert "opentelemetry-sdk" in with_traces["requirements-agent.txt"]
    assert json.loads(with_traces["agent.json"])["extensions"] == [".registry", ".tracing"]
    assert not [name for name, text in without.items() if "opentelemetry-sdk" in text]
