"""gunicorn's settings. WEB_CONCURRENCY or `--workers` sets the number of processes."""

import resource
import tempfile
from pathlib import Path

from django.conf import settings

from registry_project.server.metrics_folder import share_counters

# Not in a hook: a preloaded application makes its metrics before.
share_counters([settings.VAR_DIR, Path(tempfile.gettempdir())])

MOST_FILES = 4_096
SPARE_FILES = 124  # for the database, logs and the like


def _files() -> int:
    """Raise the limit of open files, if that helps, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < MOST_FILES:
        soft = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, MOST_FILES)


bind = "0.0.0.0:9000"
worker_class = (
    "registry_project.server.fast_path.RegistryWorker"
    if settings.FAST_HEARTBEATS
    else "registry_project.server.worker.Worker"
)
threads = 8  # they wait for the database more than for the processor
# Longer than clients and proxies keep connections, so that no request meets a closed one.
keepalive = settings.KEEPALIVE_SECONDS
worker_connections = max(_files() - SPARE_FILES, _files() // 2)
# TRUSTED_PROXIES decides; gunicorn would believe everybody on this machine.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
graceful_timeout = 10
loglevel = "warning"
# Its socket is in the home folder, where two registries would collide.
control_socket_disable = True
