"""How gunicorn serves the registry: ``gunicorn --config=python:registry_project.web_server``.

The command line beats it; how many processes there are is WEB_CONCURRENCY's or its ``--workers``.
"""

bind = "0.0.0.0:9000"
worker_class = "gthread"
# Requests wait for the database more than for the processor.
threads = 8
# Seconds. Longer than clients keep a connection in their pools (httpx: 5), so that it is they who
# close it and no request meets a closed one; shorter than an agent's interval, since a connection
# that waits for a heartbeat takes one of the worker's places.
keepalive = 10
# Seconds in which requests may finish when the web stops.
graceful_timeout = 10
loglevel = "warning"
# Its socket lies in the home folder, where two registries would meet.
control_socket_disable = True
