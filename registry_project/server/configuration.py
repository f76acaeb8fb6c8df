"""The configuration of gunicorn:

    gunicorn --config=python:registry_project.server.configuration registry_project.wsgi

The command line overrides it; the number of processes is that of WEB_CONCURRENCY or `--workers`.
"""

import resource
import tempfile
from pathlib import Path

from django.conf import settings

from registry_project.server.metrics_folder import share_counters

# Before any hook, since an application that is loaded before the first fork makes its metrics then.
share_counters([settings.VAR_DIR, Path(tempfile.gettempdir())])

MOST_FILES = 4_096
# For the database, logs and the like.
SPARE_FILES = 124


def _files() -> int:
    """Return how many files a process may have open, after asking for as many as are useful."""
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
# A request waits for the database more than for the processor.
threads = 8
# Seconds. Longer than clients and proxies keep an idle connection, so that it is they who close it,
# and no request meets a closed one.
keepalive = settings.KEEPALIVE_SECONDS
worker_connections = max(_files() - SPARE_FILES, _files() // 2)
# TRUSTED_PROXIES decides who is believed about the client. Gunicorn would believe everybody on this
# machine.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# Seconds in which requests may finish when the process stops.
graceful_timeout = 10
loglevel = "warning"
# Its socket is in the home folder, where two registries would meet.
control_socket_disable = True
