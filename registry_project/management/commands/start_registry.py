import asyncio
import io
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from agents.database.dialect import dialect
from agents.management.arguments import positive_number
from registry_project import static_files
from registry_project.local.console import Console, wants_colour
from registry_project.local.preflight import (
    PreflightError,
    check_address,
    check_database,
    check_migrations,
)
from registry_project.local.programs import registry_programs
from registry_project.local.supervisor import Supervisor

POLL_SECONDS = 0.1
ACCESS = {
    "open": "open to everybody who reaches it; REGISTRY_AUTH=token requires tokens",
    "token": "by token: python manage.py issue_token; REGISTRY_AUTH=open opens it",
}
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104


class Command(BaseCommand):
    help = (
        "Run the whole registry on this machine: web server, worker and beat. They are restarted "
        "when they die; Ctrl-C stops them all. Environment variables configure the rest: "
        "DATABASE_URL, CELERY_BROKER_URL, and so on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="0.0.0.0", help="address to listen on (%(default)s)")  # noqa: S104
        parser.add_argument(
            "--port", type=port_number, default=9000, help="port to listen on (%(default)s)"
        )
        parser.add_argument(
            "--workers",
            type=positive_number,
            help="web processes (one on SQLite, else one for each processor)",
        )
        parser.add_argument(
            "--prepare",
            action="store_true",
            help="first migrate the database, and create an admin login if there is none",
        )
        parser.add_argument(
            "--stop-with-parent",
            action="store_true",
            help="stop when the parent process is gone",
        )

    def handle(self, *, host: str, port: int, workers: int | None, **options: Any) -> None:
        parent = os.getppid() if options["stop_with_parent"] else None
        try:
            check_address(host, port)
            check_database()
            if options["prepare"]:
                call_command("migrate", verbosity=0)
                call_command("ensure_admin")
            check_migrations()
            static_files.collect()
        except PreflightError as error:
            raise CommandError(str(error)) from error
        finally:
            connections.close_all()
        programs = registry_programs(host, port, workers or default_workers())
        sys.stdout.flush()
        output = io.FileIO(sys.stdout.fileno(), "w", closefd=False)
        console = Console(
            output,
            [program.name for program in programs],
            coloured=wants_colour(output, os.environ),
        )
        asyncio.run(keep_running(Supervisor(programs, console), host, port, parent))


def port_number(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:  # noqa: PLR2004
        raise ArgumentTypeError(f"{port} is not a port (1 to 65535)")
    return port


def default_workers() -> int:
    # The others would wait for the writer.
    return 1 if dialect.has_one_writer else os.cpu_count() or 1


async def keep_running(supervisor: Supervisor, host: str, port: int, parent: int | None) -> None:
    companions = [asyncio.create_task(announce(supervisor, host, port))]
    if parent is not None:
        companions.append(asyncio.create_task(stop_without(parent, supervisor)))
    await supervisor.run()
    for companion in companions:
        companion.cancel()
    await asyncio.gather(*companions, return_exceptions=True)


async def announce(supervisor: Supervisor, host: str, port: int) -> None:
    while not await answers_ready(EVERYWHERE.get(host, host), port):  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)
    url = f"http://{'localhost' if host in EVERYWHERE else host}:{port}"
    for text in (
        "the registry is ready; Ctrl-C stops it",
        f"  agents    {url}/agents",
        f"  API docs  {url}/docs",
        f"  admin     {url}/admin/",
        f"  access    {ACCESS.get(settings.REGISTRY_AUTH, ACCESS['token'])}",
    ):
        supervisor.say(text)


async def answers_ready(host: str, port: int) -> bool:
    # An HTTP client could start threads, but this process forks.
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        name = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), host)
        writer.write(f"GET /health/ready HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        status = (await reader.readline()).split()[1:2]
    except OSError:
        return False
    finally:
        writer.close()
    return status == [b"200"]


async def stop_without(parent: int, supervisor: Supervisor) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - no event
        await asyncio.sleep(POLL_SECONDS)
    supervisor.stop()
