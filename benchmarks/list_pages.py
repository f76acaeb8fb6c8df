"""``python -m benchmarks.list_pages``: CPU time of the admin's list of agents for a large fleet.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres python -m benchmarks.list_pages

Uses a temporary database (SQLite without DATABASE_URL), and requests each page in this process as a
superuser. Prints milliseconds of CPU per page, the median of several rounds: Python, PostgreSQL (if
it runs on this machine), and their sum.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import django
from django.db import connection
from django.test import Client

from benchmarks.calls import database_cpu
from benchmarks.temporary_database import temporary_database

ROUNDS = 5
# Pages per round: enough to make the resolution of the kernel's CPU ticks irrelevant.
REPEATS = 10
LIST = "/admin/agents/agentrecord/"
RARE = "rare"
RARE_AGENTS = 50


def pages(client: Client) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Yield each page's name, its requests per round, and a function that requests it."""

    def get(query: str = "", path: str = LIST) -> Callable[[], Any]:
        return lambda: client.get(f"{path}?{query}")

    first: Any = client.get(LIST)
    ids = [agent.pk for agent in first.context_data["cl"].result_list]
    yield "first page", REPEATS, get()
    yield "page 50", REPEATS, get("p=50")
    yield "last linked page", REPEATS, get("p=100")
    yield "search, many matches", REPEATS, get("q=agent")
    yield "search, few matches", REPEATS, get("q=agent-0001")
    yield "a tag on all agents", REPEATS, get("tag=weather")
    yield f"a tag on {RARE_AGENTS} agents", REPEATS, get(f"tag={RARE}")
    yield "sorted by time left", REPEATS, get("o=6")
    yield "sorted by state", REPEATS, get("o=1")
    yield "expiring soon", REPEATS, get("liveness=expiring-soon")
    yield "refresh of 100 rows", REPEATS, lambda: client.post(f"{LIST}rows/", {"id": ids})
    yield "export of all as CSV", 1, get(path=f"{LIST}export/csv/")
    yield "export of all as JSON", 1, get(path=f"{LIST}export/json/")


def measure(client: Client) -> None:
    database = database_cpu()
    print(f"{'':28} {'Python':>8} {'database':>9} {'together':>9}   ms of CPU per page")
    for name, repeats, request in pages(client):
        spent = [_round(request, repeats, database) for _ in range(ROUNDS + 1)][1:]
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
        measure(client)


if __name__ == "__main__":
    main()
