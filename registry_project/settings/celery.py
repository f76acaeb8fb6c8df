from datetime import timedelta
from typing import Any

from registry_project.local.broker import FOLDER_URL, TRANSPORT, folder_broker
from registry_project.settings.base import VAR_DIR, env
from registry_project.settings.probes import PROBE_NETWORKS, PROBE_RUN_SECONDS
from registry_project.settings.registry import SWEEP_INTERVAL_SECONDS

BROKER_SCHEMES = ("redis", "rediss", "sentinel", "amqp", "amqps", "filesystem", "memory")

CELERY_BROKER_URL = env.url(
    "CELERY_BROKER_URL", FOLDER_URL, BROKER_SCHEMES, example="redis://HOST:6379/0"
)
# Without Redis, each web process counts by itself.
RATE_STORE_URL = env.url(
    "RATE_STORE_URL",
    CELERY_BROKER_URL,
    ("redis", "rediss", "memory"),
    example="redis://HOST:6379/1, or memory:// for counts of each process",
)
if CELERY_BROKER_URL.startswith("filesystem"):
    CELERY_BROKER_TRANSPORT = TRANSPORT
    CELERY_BROKER_TRANSPORT_OPTIONS = folder_broker(VAR_DIR / "broker")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# In memory: a crash could corrupt a file, and the schedule is idempotent.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "purge-expired": {
        "task": "agents.purge_expired",
        "schedule": timedelta(seconds=SWEEP_INTERVAL_SECONDS),
        # No backlog for a worker that was away.
        "options": {"expires": SWEEP_INTERVAL_SECONDS},
    },
    # Web processes wake workers; this is for calls that are lost.
    "send-notifications": {
        "task": "agents.send_notifications",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15},
    },
    "delete-old-history": {
        "task": "agents.delete_old_history",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "delete-old-sessions": {
        "task": "registry_project.delete_old_sessions",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
}
if PROBE_NETWORKS is not None:
    CELERY_BEAT_SCHEDULE["probe-agents"] = {
        "task": "agents.probe_agents",
        "schedule": timedelta(seconds=PROBE_RUN_SECONDS),
        "options": {"expires": PROBE_RUN_SECONDS},
    }
