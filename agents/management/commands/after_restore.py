from typing import Any

from django.core.management.base import BaseCommand

from agents.leases.restore import skip_generations


class Command(BaseCommand):
    help = (
        "Run this once after restoring the database from a backup, before starting the registry. "
        "Agents whose leases are newer than the backup will have to register again; their lease "
        "numbers are not used a second time."
    )

    def handle(self, **_options: Any) -> None:
        last = skip_generations()
        self.stdout.write(f"Leases up to generation {last} that are not in the database are void.")
