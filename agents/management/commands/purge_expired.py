"""``manage.py purge_expired``: what the sweeper does, by hand."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from agents import leases
from agents.management.arguments import positive_number
from agents.models import AgentRecord


class Command(BaseCommand):
    help = "Delete the agents whose lease has ended, and print how many."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only count them, delete nothing"
        )
        parser.add_argument(
            "--batch-size",
            type=positive_number,
            default=settings.SWEEP_BATCH_SIZE,
            help="how many to delete in one transaction (%(default)s)",
        )

    def handle(self, *, dry_run: bool, batch_size: int, **_options: Any) -> None:
        if dry_run:
            self.stdout.write(f"{AgentRecord.objects.expired().count()} expired, none purged")
            return
        purged = leases.purge_expired(batch_size=batch_size, actor="command")
        self.stdout.write(f"{purged} purged")
