"""See OpenTelemetry's standard variables."""

import asyncio
import logging
import threading
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
)

from ..config import AgentConfig, ConfigError
from ..extensions import StatusReader
from ..metrics import Metric
from ..problems import Problem

logger = logging.getLogger("agent.tracing")

EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
STOP_SECONDS = 0.5


def extension(config: AgentConfig, status: StatusReader) -> "Tracing":  # noqa: ARG001 - as all have
    """Raises ConfigError."""
    return Tracing(config)


class Tracing:
    """Once per process: OpenTelemetry has one provider."""

    def __init__(self, config: AgentConfig) -> None:
        self._provider = TracerProvider(resource=_resource(config), shutdown_on_exit=False)
        self._ending: threading.Thread | None = None
        for processor in _processors(config.environ):
            self._provider.add_span_processor(processor)
        trace.set_tracer_provider(self._provider)
        # Libraries such as openai's use httpx.
        HTTPXClientInstrumentor().instrument(tracer_provider=self._provider)

    async def start(self) -> None:
        pass

    def drain(self) -> None:
        pass

    async def stop(self) -> None:
        if self._ending is None:
            self._ending = threading.Thread(target=self._provider.shutdown, daemon=True)
            self._ending.start()
        await asyncio.to_thread(self._ending.join, STOP_SECONDS)

    def metrics(self) -> list[Metric]:
        return []

    def problem(self) -> Problem | None:
        return None


def _resource(config: AgentConfig) -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override it."""
    own = {
        "service.name": config.name,
        "service.version": config.version,
        "service.instance.id": config.agent_id,
        "gen_ai.agent.name": config.name,
    }
    if config.image_digest:
        own["oci.manifest.digest"] = config.image_digest
    return Resource.create(own).merge(OTELResourceDetector().detect())


def _processors(environ: Mapping[str, str]) -> list[SpanProcessor]:
    chosen = environ.get(EXPORTER) or "otlp"
    if chosen not in ("otlp", "console", "none"):
        raise ConfigError(f"{EXPORTER} must be otlp, console or none, not {chosen!r}")
    if chosen == "console":
        return [SimpleSpanProcessor(ConsoleSpanExporter())]
    if chosen == "none":
        return []
    for name in PROTOCOLS:
        if environ.get(name) not in (None, "", PROTOCOL):
            raise ConfigError(f"{name} must be {PROTOCOL}, not {environ[name]!r}")
    if not any(environ.get(name) for name in ENDPOINTS):
        logger.info("no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is not set")
        return []
    return [BatchSpanProcessor(OTLPSpanExporter())]
