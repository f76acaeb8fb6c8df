import re
from urllib.parse import urlsplit

from agents.outbound.networks import NETWORKS, Networks, parse_networks
from registry_project.server import framing
from registry_project.settings.base import DEBUG, env

# What catalogs have for a publisher that is no domain: ARD's guide to URNs, scenario A.
NO_DOMAIN = "agent.localhost"
DOMAIN = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


def parse_publisher(text: str) -> str:
    domain = text.lower()
    if not DOMAIN.fullmatch(domain):
        raise ValueError
    return domain


def publisher_of(url: str) -> str:
    host = str(urlsplit(url).hostname)
    return host if DOMAIN.fullmatch(host) else NO_DOMAIN


REGISTRY_URL = env.url(
    "REGISTRY_URL", "http://localhost:9000", ("http", "https"), example="http://registry:9000"
).rstrip("/")
REGISTRY_PUBLISHER = env.parsed(
    "REGISTRY_PUBLISHER",
    publisher_of(REGISTRY_URL),
    parse_publisher,
    takes="a domain such as agents.example.com",
)
REGISTRY_AUTH = env.choice("REGISTRY_AUTH", "open" if DEBUG else "token", ("open", "token"))
REGISTRY_PUBLIC_READ = env.flag("REGISTRY_PUBLIC_READ", default=False)
SWEEP_INTERVAL_SECONDS = env.integer("SWEEP_INTERVAL_SECONDS", 15, 1, 3600)
SWEEP_BATCH_SIZE = env.integer("SWEEP_BATCH_SIZE", 1000, 1, 100_000)
EVENT_RETENTION_DAYS = env.integer("EVENT_RETENTION_DAYS", 90, 1, 36_500)
NOTIFICATION_NETWORKS = env.parsed(
    "NOTIFICATION_NETWORKS", Networks(public=True), parse_networks, takes=NETWORKS
)
NOTIFICATION_RETENTION_DAYS = env.integer("NOTIFICATION_RETENTION_DAYS", 30, 1, 36_500)
CHANNEL_FAILURE_HOURS = env.integer("CHANNEL_FAILURE_HOURS", 24, 1, 24 * 365)
# Off, a heartbeat costs many times as much.
FAST_HEARTBEATS = env.flag("FAST_HEARTBEATS", default=True)
KEEPALIVE_SECONDS = env.integer("KEEPALIVE_SECONDS", 75, 1, 3600)
# 0: as many as fit into memory.
CONNECTIONS_PER_PROCESS = env.integer("CONNECTIONS_PER_PROCESS", 0, 100, 10_000_000)
MAX_BODY_BYTES = framing.MAX_BODY_BYTES
MAX_BULK_BODY_BYTES = framing.MAX_BULK_BODY_BYTES
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 1, 1, 1000)
