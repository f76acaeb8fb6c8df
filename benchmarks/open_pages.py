"""``python -m benchmarks.open_pages``: what idle open pages of the dashboard cost the web server.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres python -m benchmarks.open_pages --pages 5

Uses a temporary database (SQLite without DATABASE_URL) with agents whose leases do not end
meanwhile, one web process, and Chromium with windows that nobody touches. Prints requests, and
milliseconds of CPU of the web process and of PostgreSQL (if it runs on this machine), per minute;
what the server costs without any window is subtracted.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
from playwright.sync_api import BrowserContext, Request, sync_playwright

from benchmarks.calls import database_cpu
from benchmarks.cpu_time import cpu_seconds
from benchmarks.temporary_database import temporary_database
from benchmarks.web import web_server
from tests.browser.chromium import find_chromium

PAGES = {"overview": "/admin/", "list": "/admin/agents/agentrecord/"}
SETTLED_SECONDS = 5.0
MINUTE = 60.0

Clock = Callable[[], tuple[float, float]]


def spent(clock: Clock, wait: Callable[[], Any]) -> list[float]:
    """Return the seconds of CPU that the web process and the database take meanwhile."""
    before = clock()
    wait()
    return [end - begin for begin, end in zip(before, clock(), strict=True)]


def measure(context: BrowserContext, clock: Clock, pages: int, seconds: float) -> None:
    time.sleep(2 * SETTLED_SECONDS)
    idle = spent(clock, partial(time.sleep, seconds))
    for name, path in PAGES.items():
        requests: list[Request] = []
        windows = [context.new_page() for _ in range(pages)]
        for window in windows:
            window.goto(path)
            window.on("request", partial(list.append, requests))
        windows[0].wait_for_timeout(SETTLED_SECONDS * 1000)
        requests.clear()
        used = spent(clock, partial(windows[0].wait_for_timeout, seconds * 1000))
        per_minute = MINUTE / seconds
        web, database = (
            max(found - base, 0.0) * 1000 * per_minute
            for found, base in zip(used, idle, strict=True)
        )
        count = len(requests) * per_minute
        print(f"{name:10} {count:9.0f} {web:8.1f} {database:9.1f}", flush=True)
        for window in windows:
            window.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--pages", type=int, default=1, help="windows with the same page")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    os.environ.setdefault("SWEEP_INTERVAL_SECONDS", "3600")
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - Django has to be set up first
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from benchmarks import sample_agents  # noqa: PLC0415

    with temporary_database() as url, TemporaryDirectory() as folder, sync_playwright() as driver:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        sample_agents.fill(agents=options.agents, expired=0)
        client = Client()
        client.force_login(User.objects.create_superuser("benchmark"))
        environment = {**os.environ, "DATABASE_URL": url}
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        with (
            web_server(Path(folder), environment) as (pid, (host, port)),
            driver.chromium.launch(executable_path=find_chromium(), args=arguments) as browser,
        ):
            context = browser.new_context(base_url=f"http://{host}:{port}")
            session = client.cookies["sessionid"].value
            context.add_cookies(
                [{"name": "sessionid", "value": session, "url": f"http://{host}:{port}"}]
            )
            database = database_cpu()
            print(f"{connection.vendor}, {options.agents:,} agents, {options.pages} windows\n")
            print(f"{'per minute':10} {'requests':>9} {'web, ms':>8} {'database':>9}")
            measure(
                context, lambda: (cpu_seconds([pid]), database()), options.pages, options.seconds
            )


if __name__ == "__main__":
    main()
