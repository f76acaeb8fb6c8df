from typing import Any

from django.core.management.base import BaseCommand

from agents.leases import reindex


class Command(BaseCommand):
    help = (
        "Make the catalog entries of agents that have none, or a wrong one. Run it once after an "
        "upgrade from a version without catalogs, if that version still ran during the migration."
    )

    def handle(self, **_options: Any) -> None:
        self.stdout.write(f"{reindex():,} entries were missing or wrong.")
