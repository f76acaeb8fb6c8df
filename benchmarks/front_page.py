"""``make front-page``: the CPU cost of an admin front page that stays open.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres make front-page

Uses a temporary database with agents and a day of activity. An open page fetches its numbers every
ten seconds and its charts every twenty. Prints milliseconds of CPU per response, as ``make calls``
does, and the share of a processor that one open page takes if its numbers change each time.

Requests share the count of a large fleet: "counted" is the one that makes it, "shared" the others.
"""

import argparse
import os
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks.calls import Call, Clock, Headers, Send, database_cpu, print_costs, through_wsgi
from benchmarks.temporary_database import temporary_database
from registry_project.postgresql.connection import limit_waiting

NOW, CHARTS = "/admin/overview/", "/admin/overview/charts/"
MINUTES = 1440
# Seconds between two requests of an open page.
EVERY = {NOW: 10, CHARTS: 20}
MEASURED = 20


def log_in() -> Headers:
    from django.contrib.auth.models import User  # noqa: PLC0415 - Django has to be set up first
    from django.test import Client  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(User.objects.create_superuser("benchmark"))
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


def fill(agents: int) -> None:
    """Insert a fleet, of which one in a thousand has expired, and a day of activity."""
    from agents.models import ActivityMinute  # noqa: PLC0415
    from benchmarks import sample_agents  # noqa: PLC0415

    sample_agents.fill(agents=agents, expired=agents // 1000)
    sample_agents.record_uptime()
    some = random.Random(1)
    now = timezone.now().replace(second=0, microsecond=0)
    ActivityMinute.objects.bulk_create(
        ActivityMinute(
            minute=now - timedelta(minutes=minute),
            heartbeats=agents * 3 + some.randrange(1000),
            registrations=some.randrange(50),
            deregistrations=some.randrange(40),
            expiries=some.randrange(10),
        )
        for minute in range(MINUTES)
    )


def counting(send: Send) -> Send:
    """Make each call count the fleet again instead of sharing a count."""
    from agents.models import LastCount  # noqa: PLC0415

    def send_first(*call: Any) -> Any:
        LastCount.objects.all().delete()
        return send(*call)

    return send_first


def measure(send: Send, clock: Clock, auth: Headers) -> None:
    def tag(url: str) -> Mapping[str, str]:
        return {"If-None-Match": send("GET", url, None, auth)[1]["etag"]}

    counted = Call("numbers, counted", "GET", NOW, 200)
    print_costs([counted], counting(send), clock, auth)
    shared = [
        Call("numbers, shared", "GET", NOW, 200),
        Call("the same, unchanged", "GET", NOW, 304, headers=dict(tag(NOW))),
        Call("charts", "GET", CHARTS, 200),
        Call("the whole page", "GET", "/admin/", 200),
    ]
    print_costs(shared, send, clock, auth)


def share_of_a_processor(send: Send, clock: Clock, auth: Headers) -> float:
    """Return the share of one open page whose numbers change with each response."""
    seconds = 0.0
    for url, every in EVERY.items():
        before = sum(clock())
        for _ in range(MEASURED):
            send("GET", url, None, auth)
        seconds += (sum(clock()) - before) / MEASURED / every
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=100_000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    # Without a sweeper, the page would otherwise show a warning.
    os.environ.setdefault("SWEEP_INTERVAL_SECONDS", "3600")
    django.setup()
    with temporary_database():
        fill(options.agents)
        auth, database = log_in(), database_cpu()
        send = through_wsgi()

        def clock() -> tuple[float, float]:
            return time.process_time(), database()

        print(f"{connection.vendor}, {options.agents:,} agents\n")
        measure(send, clock, auth)
        share = share_of_a_processor(counting(send), clock, auth)
        size = {url: len(send("GET", url, None, auth)[2]) / 1000 for url in EVERY}
        print(f"\nA page that is left open: {share:.2%} of a processor, and at most")
        print(f"{size[NOW]:.0f} kB every 10 s, {size[CHARTS]:.0f} kB every 20 s")
        # DROP DATABASE cannot run with a deadline.
        limit_waiting(None)


if __name__ == "__main__":
    main()
