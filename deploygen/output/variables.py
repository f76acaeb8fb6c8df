"""The variables that configure an agent, for compose.yaml."""

from deploygen.spec.model import AgentSpec

SETTINGS = (
    "AGENT_ID",
    "AGENT_HOST",
    "AGENT_PORT",
    "AGENT_LISTEN",
    "AGENT_PUBLIC_URL",
    "AGENT_TOKENS",
    "AGENT_TOKENS_FILE",
    "AGENT_RATE_PER_ADDRESS",
    "AGENT_MAX_WAITING",
    "AGENT_TRUSTED_PROXIES",
    "AGENT_ALLOWED_HOSTS",
    "AGENT_MAX_RESULT_BYTES",
    "AGENT_CORS_ORIGINS",
    "AGENT_DRAIN_SECONDS",
    "AGENT_KEEP_ALIVE_SECONDS",
    "AGENT_LOG_FORMAT",
    "AGENT_IMAGE_DIGEST",
)
REGISTRY_SETTINGS = (
    "AGENT_REGISTRY_URL",
    "AGENT_TTL_SECONDS",
    "AGENT_HEARTBEAT_SECONDS",
    "AGENT_ENROLMENT_TOKEN",
    "AGENT_ENROLMENT_TOKEN_FILE",
)
TRACING_SETTINGS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
)


def variables_of(spec: AgentSpec) -> list[str]:
    return [
        *SETTINGS,
        *(REGISTRY_SETTINGS if spec.registry_url is not None else ()),
        *(TRACING_SETTINGS if spec.traces else ()),
    ]
