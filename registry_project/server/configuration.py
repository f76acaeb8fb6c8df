"""The configuration of gunicorn:

``gunicorn --config=python:registry_project.server.configuration registry_project.wsgi``.

The command line beats it; how many processes there are is WEB_CONCURRENCY's or its ``--workers``.
"""

import tempfile
from pathlib import Path

from django.conf import settings

from registry_project.server.metrics_folder import share_counters

# Here, since an application that is loaded before the first fork makes its metrics before any hook.
share_counters([settings.VAR_DIR, Path(tempfile.gettempdir())])

bind = "0.0.0.0:9000"
# Clients that are slow wait in its event loop, and take none of its threads; heartbeats are
# answered there.
worker_class = (
    "registry_project.server.fast_path.RegistryWorker"
    if settings.FAST_HEARTBEATS
    else "registry_project.server.worker.PatientWorker"
)
# Requests wait for the database more than for the processor.
threads = 8
# Seconds. Longer than clients keep a connection in their pools (httpx: 5), so that it is they who
# close it and no request meets a closed one; shorter than an agent's interval, since a connection
# that waits for a heartbeat takes one of the worker's places.
keepalive = 10
# A process may commonly have 1,024 files. When all are taken, the connection that has been idle for
# the longest is closed for the next.
worker_connections = 900
# An answer is sent by the event loop, which must have it in its hands.
sendfile = False
# Whom to believe about the client is decided in one place: TRUSTED_PROXIES. Gunicorn would believe
# everybody on this machine.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# Seconds in which requests may finish when the web stops.
graceful_timeout = 10
loglevel = "warning"
# Its socket lies in the home folder, where two registries would meet.
control_socket_disable = True
