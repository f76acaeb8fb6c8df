import random
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.demo.seed import NotEmpty, renew_all, seed

SECONDS_BETWEEN_HEARTBEATS = 15.0


class Command(BaseCommand):
    help = (
        "Fill an empty registry with a made-up fleet and its past of 30 days, to try the "
        "dashboard. Its agents expire after a minute, unless --stay keeps them alive."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seed", type=int, default=1, help="another number makes another fleet (%(default)s)"
        )
        parser.add_argument(
            "--stay", action="store_true", help="send the agents' heartbeats until Ctrl-C"
        )

    def handle(self, *, stay: bool, **options: Any) -> None:
        try:
            seeded = seed(options["seed"])
        except NotEmpty as error:
            raise CommandError(
                "This registry has agents or a history. Use an empty one: another DATABASE_URL, or "
                "another REGISTRY_VAR_DIR with SQLite."
            ) from error
        self.stdout.write(f"{seeded.agents} agents, {seeded.events} events")
        if not stay:
            return
        self.stdout.write("Sending their heartbeats. Ctrl-C ends it.")
        draw = random.Random(options["seed"])  # noqa: S311
        try:
            while True:
                renew_all(draw)
                time.sleep(SECONDS_BETWEEN_HEARTBEATS)
        except KeyboardInterrupt:
            return
