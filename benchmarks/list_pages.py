"""``python -m benchmarks.list_pages``: CPU time of lists of a large fleet, admin and API.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres python -m benchmarks.list_pages
    ... python -m benchmarks.list_pages --agents 1000000 --rounds 2 --repeats 1 --without-exports

Uses a temporary database (SQLite without DATABASE_URL), and requests each page in this process as a
superuser. Prints milliseconds of CPU per page, the median of several rounds: Python, PostgreSQL (if
it runs on this machine), and their sum.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import django
from django.db import connection
from django.test import Client

from benchmarks.calls import database_cpu
from benchmarks.temporary_database import temporary_database

API = "/agents"
LIST = "/admin/agents/agentrecord/"
SEARCH = "/admin/search/"
SEARCHES = {"many": "agent", "few": "agent-0001", "none": "zzyzx", "drain": "drain agent-0001"}
RARE = "rare"
RARE_AGENTS = 50


def pages(
    client: Client, repeats: int, *, with_exports: bool
) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Yield each page's name, its requests per round, and a function that requests it."""

    def get(query: str = "", path: str = LIST) -> Callable[[], Any]:
        return lambda: client.get(f"{path}?{query}")

    first: Any = client.get(LIST)
    ids = [agent.pk for agent in first.context_data["cl"].result_list]
    yield "first page", repeats, get()
    yield "page 50", repeats, get("p=50")
    yield "last linked page", repeats, get("p=100")
    yield "search, many matches", repeats, get("q=agent")
    yield "search, few matches", repeats, get("q=agent-0001")
    yield "a tag on all agents", repeats, get("tag=weather")
    yield f"a tag on {RARE_AGENTS} agents", repeats, get(f"tag={RARE}")
    yield "sorted by time left", repeats, get("o=left")
    yield "sorted by load", repeats, get("o=load")
    yield "sorted by id", repeats, get("o=id")
    yield "grouped by host", repeats, get("group=host")
    yield "expiring soon", repeats, get("liveness=expiring-soon")
    yield "refresh of 100 rows", repeats, lambda: client.post(f"{LIST}rows/", {"id": ids})
    for name, text in SEARCHES.items():
        yield f"dashboard search, {name}", repeats, partial(client.post, SEARCH, {"text": text})
    yield "API: 50 agents", repeats, get("limit=50", API)
    yield "API: 1,000 agents", repeats, get("limit=1000", API)
    yield "API: one agent", repeats, get(path=f"{API}/{ids[0]}")
    yield "API: search, few matches", repeats, get("limit=50&search=agent-0001", API)
    yield f"API: a tag on {RARE_AGENTS} agents", repeats, get(f"limit=50&tag={RARE}", API)
    yield "API: draining", repeats, get("limit=50&state=draining", API)
    if not with_exports:
        return
    yield "export of all as CSV", 1, get(path=f"{LIST}export/csv/")
    yield "export of all as JSON", 1, get(path=f"{LIST}export/json/")


def measure(client: Client, *, rounds: int, repeats: int, with_exports: bool) -> None:
    database = database_cpu()
    print(f"{'':28} {'Python':>8} {'database':>9} {'together':>9}   ms of CPU per page")
    for name, times, request in pages(client, repeats, with_exports=with_exports):
        spent = [_round(request, times, database) for _ in range(rounds + 1)][1:]
        python, postgresql = (statistics.median(column) for column in zip(*spent, strict=True))
        print(f"{name:28} {python:8.1f} {postgresql:9.1f} {python + postgresql:9.1f}", flush=True)


def _round(
    request: Callable[[], Any], repeats: int, database: Callable[[], float]
) -> tuple[float, float]:
    before = time.process_time(), database()
    for _ in range(repeats):
        response = request()
        if response.status_code != 200:
            raise RuntimeError(f"{response.status_code} instead of a page")
        if response.streaming:
            for _ in response.streaming_content:
                pass
    python, postgresql = time.process_time() - before[0], database() - before[1]
    return python / repeats * 1000, postgresql / repeats * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=10, help="requests per round")
    parser.add_argument("--without-exports", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - Django has to be set up first

    from agents.models import AgentRecord  # noqa: PLC0415
    from benchmarks.sample_agents import fill  # noqa: PLC0415

    with temporary_database():
        fill(agents=options.agents, expired=options.agents // 100)
        rare = AgentRecord.objects.order_by("pk")[options.agents // 2 :][:RARE_AGENTS]
        ids = list(rare.values_list("pk", flat=True))
        AgentRecord.objects.filter(pk__in=ids).update(tags=["weather", RARE])
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.create_superuser("bench"))
        print(f"{connection.vendor}, {options.agents:,} agents\n")
        measure(
            client,
            rounds=options.rounds,
            repeats=options.repeats,
            with_exports=not options.without_exports,
        )


if __name__ == "__main__":
    main()
