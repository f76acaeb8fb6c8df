import tempfile
from pathlib import Path

from django.conf import settings

from registry_project.server.metrics_folder import share_counters

# Before the application is loaded, which creates its metrics.
share_counters([settings.VAR_DIR, Path(tempfile.gettempdir())])

bind = "0.0.0.0:9000"
worker_class = (
    "registry_project.server.fast_path.RegistryWorker"
    if settings.FAST_HEARTBEATS
    else "registry_project.server.worker.Worker"
)
threads = 8
# Longer than clients and proxies keep connections, so that no request meets a closed one.
keepalive = settings.KEEPALIVE_SECONDS
worker_connections = settings.CONNECTIONS_PER_PROCESS
# For a fleet that comes back. net.core.somaxconn limits it.
backlog = 16_384
# TRUSTED_PROXIES decides; gunicorn would trust all local clients.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
graceful_timeout = 10
loglevel = "warning"
# Its socket would collide with another registry's.
control_socket_disable = True
