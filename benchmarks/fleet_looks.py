"""``make fleet-looks``: the CPU cost of all that looks at the whole fleet again and again.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres make fleet-looks AGENTS=1000000

Uses a temporary database (SQLite without DATABASE_URL). For some minutes the sweep is due every
15 s, `/health` and `/metrics` are called every 5 s, and an overview stays open, which fetches its
numbers every 10 s. One process looks for expired agents. Nobody sends heartbeats. Between two
sweeps, a thousandth of the agents expires, and is purged. Prints for each of these the share of a
processor, Python and database together.
"""

import argparse
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
from django.db import connection

from benchmarks.calls import Headers, Send, database_cpu, through_wsgi
from benchmarks.front_page import NOW, log_in
from benchmarks.temporary_database import temporary_database
from registry_project.postgresql.connection import limit_waiting

EVERY = {"sweep": 15.0, "expiries": 0.5, "/health": 5.0, "/metrics": 5.0, "overview": 10.0}


def looks(send: Send, auth: Headers) -> dict[str, Callable[[], Any]]:
    from agents import tasks  # noqa: PLC0415 - Django has to be set up first
    from agents.leases.expiry.lookout import Lookout  # noqa: PLC0415

    return {
        "sweep": tasks.purge_expired,
        "expiries": Lookout().check,
        "/health": lambda: send("GET", "/health", None, {}),
        "/metrics": lambda: send("GET", "/metrics", None, auth),
        "overview": lambda: send("GET", NOW, None, auth),
    }


def expire_some(agents: int) -> None:
    """Let a thousandth of the fleet expire, and keep the others alive."""
    from agents.database.clock import DatabaseNow  # noqa: PLC0415
    from agents.models import AgentRecord, Uptime  # noqa: PLC0415
    from benchmarks.sample_agents import TTL_SECONDS  # noqa: PLC0415

    some = list(AgentRecord.objects.alive().values_list("pk", flat=True)[: agents // 1000])
    past = DatabaseNow() - timedelta(seconds=TTL_SECONDS + 1)
    AgentRecord.objects.filter(pk__in=some).update(last_heartbeat=past)
    Uptime.objects.update(seen_at=DatabaseNow())


def run(agents: int, seconds: float) -> None:
    from benchmarks import sample_agents  # noqa: PLC0415

    sample_agents.fill(agents=agents, expired=0)
    sample_agents.record_uptime()
    auth, database = log_in(), database_cpu()
    actions = looks(through_wsgi(), auth)
    began = time.monotonic()
    due = dict.fromkeys(EVERY, began)
    spent = dict.fromkeys(EVERY, 0.0)
    while (now := time.monotonic()) < began + seconds:
        for name, action in actions.items():
            if now >= due[name]:
                if name == "sweep":
                    expire_some(agents)
                before = time.process_time() + database()
                action()
                spent[name] += time.process_time() + database() - before
                due[name] += EVERY[name]
        time.sleep(0.2)
    print(f"{connection.vendor}, {agents:,} agents, {seconds:.0f} s\n")
    for name, cpu in [*spent.items(), ("together", sum(spent.values()))]:
        print(f"{name:10} {cpu / seconds:7.2%} of a processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=180)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    with temporary_database():
        run(options.agents, options.seconds)
        # DROP DATABASE cannot run with a deadline.
        limit_waiting(None)


if __name__ == "__main__":
    main()
