"""gunicorn's settings. WEB_CONCURRENCY or `--workers` sets the number of processes."""

import tempfile
from pathlib import Path

from django.conf import settings

from registry_project.server.metrics_folder import share_counters

# Not in a hook: a preloaded application makes its metrics before.
share_counters([settings.VAR_DIR, Path(tempfile.gettempdir())])

bind = "0.0.0.0:9000"
worker_class = (
    "registry_project.server.fast_path.RegistryWorker"
    if settings.FAST_HEARTBEATS
    else "registry_project.server.worker.Worker"
)
threads = 8  # they wait for the database more than for the processor
# Longer than clients and proxies keep connections, so that no request meets a closed one.
keepalive = settings.KEEPALIVE_SECONDS
worker_connections = settings.CONNECTIONS_PER_PROCESS  # 0: as many as fit into the memory
# Those that wait to be accepted, when a fleet comes back; net.core.somaxconn limits it.
backlog = 16_384
# TRUSTED_PROXIES decides; gunicorn would believe everybody on this machine.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
graceful_timeout = 10
loglevel = "warning"
# Its socket is in the home folder, where two registries would collide.
control_socket_disable = True
