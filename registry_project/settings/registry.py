"""The registry's own settings."""

from registry_project.server import framing
from registry_project.settings.base import DEBUG, env

# Where agents and people reach this registry: written into the agents that it generates.
REGISTRY_URL = env.url(
    "REGISTRY_URL", "http://localhost:9000", ("http", "https"), example="http://registry:9000"
).rstrip("/")
# Who may register, heartbeat and read: "open" (everybody who reaches it) or "token".
REGISTRY_AUTH = env.choice("REGISTRY_AUTH", "open" if DEBUG else "token", ("open", "token"))
# In token mode: whether reading the list of agents needs no token.
REGISTRY_PUBLIC_READ = env.flag("REGISTRY_PUBLIC_READ", default=False)
# Seconds between two sweeps, and how many rows one DELETE of a sweep takes.
SWEEP_INTERVAL_SECONDS = env.integer("SWEEP_INTERVAL_SECONDS", 15, 1, 3600)
SWEEP_BATCH_SIZE = env.integer("SWEEP_BATCH_SIZE", 1000, 1, 100_000)
EVENT_RETENTION_DAYS = env.integer("EVENT_RETENTION_DAYS", 90, 1, 36_500)
# Whether the web server answers heartbeats in front of Django, many by one commit. Off, each goes
# through Django: the same answers for many times the cost.
FAST_HEARTBEATS = env.flag("FAST_HEARTBEATS", default=True)
# Seconds for which the web server keeps the idle connection of a client open.
KEEPALIVE_SECONDS = env.integer("KEEPALIVE_SECONDS", 75, 1, 3600)
# Bytes of a request's body.
MAX_BODY_BYTES = framing.MAX_BODY_BYTES
MAX_BULK_BODY_BYTES = framing.MAX_BULK_BODY_BYTES
# Web processes. gunicorn reads this by itself; here it is only checked.
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 1, 1, 1000)
