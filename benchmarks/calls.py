"""``make calls``: CPU time of every API call except the heartbeat, with the database's share.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres make calls

Uses a temporary database (SQLite without DATABASE_URL). Calls go through the WSGI application in
this process, then over HTTP to gunicorn. Prints milliseconds of CPU per call, the median of several
rounds: Python, PostgreSQL (if it runs on this machine), and their sum.
"""

import argparse
import http.client
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

from benchmarks.cpu_time import cpu_seconds
from benchmarks.postgres_cost import Server
from benchmarks.temporary_database import temporary_database
from benchmarks.web import web_server
from registry_project.postgresql.connection import limit_waiting

ROUNDS = 5
# Calls per round: enough to make the resolution of the kernel's CPU ticks irrelevant.
CALLS = {"list": 60, "admin": 20, "other": 400}
TTL_SECONDS = 86_400
# Rates are counted as in production, but never reached.
RATES = [f"RATE_{call}_PER_{who}" for call in ("REGISTER", "READ") for who in ("TOKEN", "ADDRESS")]
RATES.append("RATE_REGISTER_PER_AGENT")
NEVER = "1000000/second"

Headers = Mapping[str, str]
# Returns the status, the headers in lower case, and the body.
Send = Callable[[str, str, Any, Headers], tuple[int, dict[str, str], bytes]]
# Returns the CPU seconds used so far by Python and by the database.
Clock = Callable[[], tuple[float, float]]


@dataclass
class Call:
    """`body` returns a request body for a growing number."""

    name: str
    method: str
    path: str
    expects: int
    body: Callable[[int], Any] = lambda _: None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        path = self.path
        return CALLS["admin" if path.startswith("/admin/") else "list" if "?" in path else "other"]


def registration(number: int, prefix: str = "new") -> dict[str, Any]:
    return {
        "agent_id": f"{prefix}-{number:06}",
        "agent_name": f"Weather for region {number}",
        "host": f"10.1.{number // 250 % 250}.{number % 250}",
        "port": 8000,
        "ttl_seconds": TTL_SECONDS,
        "metadata": {"region": "eu-central", "model": "small", "limits": {"tokens": 4096}},
        "version": "1.4.2",
        "tags": ["weather", "eu", "production"],
        "skills": ["forecast", "translate"],
        "status": "ready",
    }


def calls(agents: int, etags: Mapping[str, str]) -> list[Call]:
    one = f"/agents/fleet-{agents // 2:06}"
    page = f"/agents?limit={agents}"
    return [
        Call("GET /health/live", "GET", "/health/live", 200),
        Call(f"GET /agents, {agents:,} agents", "GET", page, 200),
        Call("the same, unchanged", "GET", page, 304, headers={"If-None-Match": etags[page]}),
        Call("GET /agents?limit=50", "GET", "/agents?limit=50", 200),
        Call("GET /agents/{agent_id}", "GET", one, 200),
        Call("the same, unchanged", "GET", one, 304, headers={"If-None-Match": etags[one]}),
        Call("register, a new agent", "POST", "/agents/register", 201, registration),
        Call(
            "register, again",
            "POST",
            "/agents/register",
            200,
            lambda _: registration(0, "fleet"),
        ),
        Call("GET /health", "GET", "/health", 200),
    ]


def measure(send: Send, clock: Clock, auth: Headers, agents: int) -> None:
    pages = (f"/agents?limit={agents}", f"/agents/fleet-{agents // 2:06}")
    etags = {page: send("GET", page, None, auth)[1]["etag"] for page in pages}
    print_costs(calls(agents, etags), send, clock, auth)


def print_costs(calls: Iterable[Call], send: Send, clock: Clock, auth: Headers) -> None:
    """Measure each of `calls` and print a line for it: the median of ROUNDS rounds."""
    print(f"{'':34} {'Python':>8} {'database':>9} {'together':>9}   ms of CPU per call")
    for call in calls:
        rounds = [_round(call, send, clock, auth) for _ in range(ROUNDS + 1)][1:]
        python, database = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{call.name:34} {python:8.2f} {database:9.2f} {python + database:9.2f}", flush=True)


def _round(call: Call, send: Send, clock: Clock, auth: Headers) -> tuple[float, float]:
    bodies = [call.body(next(NUMBERS)) for _ in range(call.repeats)]
    headers = {**auth, **call.headers}
    before = clock()
    for body in bodies:
        status, _, _ = send(call.method, call.path, body, headers)
        if status != call.expects:
            raise RuntimeError(f"{call.name}: {status} instead of {call.expects}")
    python, database = (now - then for now, then in zip(clock(), before, strict=True))
    return python / call.repeats * 1000, database / call.repeats * 1000


def _numbers() -> Iterator[int]:
    number = int(time.time()) % 100_000 * 10_000
    while True:
        yield (number := number + 1)


NUMBERS = _numbers()


def through_wsgi() -> Send:
    from registry_project.postgresql.connection import limit_waiting  # noqa: PLC0415 - needs settings

    # Like registry_project.wsgi, but without the pulse, whose thread would keep a connection.
    application: Any = get_wsgi_application()
    limit_waiting(settings.DATABASE_TIMEOUT_SECONDS)

    def send(method: str, url: str, body: Any, headers: Headers) -> Any:
        path, _, query = url.partition("?")
        content = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "CONTENT_TYPE": "application/json" if content else "",
            "CONTENT_LENGTH": str(len(content)) if content else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(content),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        started: list[Any] = []
        response = application(environ, lambda *head: started.append(head))
        try:
            content = b"".join(response)
        finally:
            response.close()
        status, response_headers = started[0][:2]
        return int(status[:3]), {name.lower(): value for name, value in response_headers}, content

    return send


@contextmanager
def through_gunicorn(database: str) -> Iterator[tuple[Send, int]]:
    with TemporaryDirectory(prefix="registry-benchmark-") as folder:
        environment = os.environ | {"DATABASE_URL": database}
        with web_server(Path(folder), environment) as (pid, address):
            client = http.client.HTTPConnection(*address)

            def send(method: str, url: str, body: Any, headers: Headers) -> Any:
                content = None if body is None else json.dumps(body)
                content_type = {} if body is None else {"Content-Type": "application/json"}
                client.request(method, url, content, {**headers, **content_type})
                response = client.getresponse()
                response_headers = {name.lower(): value for name, value in response.getheaders()}
                return response.status, response_headers, response.read()

            yield send, pid
            client.close()


def database_cpu() -> Callable[[], float]:
    """Return a function for the CPU seconds of a local PostgreSQL; it returns 0 for any other."""
    if connection.vendor != "postgresql":
        return lambda: 0.0  # SQLite runs inside Python
    server = Server(connection)
    if server.is_here:
        return server.cpu_seconds
    print("PostgreSQL runs elsewhere: its CPU is not counted.")
    return lambda: 0.0


def fill(agents: int) -> str:
    """Register a fleet; return an Authorization header that may register and read."""
    from agents import leases  # noqa: PLC0415 - Django has to be set up first
    from agents.tokens import access as access_tokens  # noqa: PLC0415
    from agents.tokens.enrollment import Enrolment  # noqa: PLC0415

    token, secret = access_tokens.issue(name="calls", actor="command", may_read=True)
    enrolment = Enrolment(f"token:{token.key}", token.key)
    for number in range(agents):
        leases.register(**registration(number, "fleet"), enrolment=enrolment)
        leases.renew(agent_id=f"fleet-{number:06}", load=number % 100 / 100, note="at work")
    return f"Bearer {secret}"


def clean_up() -> None:
    """Delete what the calls registered, and vacuum, so that each measurement starts equal."""
    from agents.models import AgentRecord  # noqa: PLC0415

    AgentRecord.objects.filter(pk__startswith="new-").delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=1000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    for rate in RATES:
        os.environ.setdefault(rate, NEVER)
    django.setup()
    with temporary_database() as url:
        auth = {"Authorization": fill(options.agents)}
        database = database_cpu()
        print(f"{connection.vendor}, {settings.REGISTRY_AUTH} mode\n\nThrough WSGI, in process")
        clean_up()
        measure(through_wsgi(), lambda: (time.process_time(), database()), auth, options.agents)
        # VACUUM and DROP DATABASE cannot run with a deadline.
        limit_waiting(None)
        print("\nThrough gunicorn")
        clean_up()
        with through_gunicorn(url) as (send, pid):
            measure(send, lambda: (cpu_seconds([pid]), database()), auth, options.agents)


if __name__ == "__main__":
    main()
