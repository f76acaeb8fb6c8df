"""``manage.py after_restore``."""

from typing import Any

from django.core.management.base import BaseCommand

from agents.leases.restore import skip_generations


class Command(BaseCommand):
    help = (
        "To be run once after the database was restored from a backup, before the registry starts "
        "again. Leases that were given since the backup are not given a second time: the agents "
        "that hold one are told to register again."
    )

    def handle(self, **_options: Any) -> None:
        last = skip_generations()
        self.stdout.write(
            f"Leases up to generation {last} that the registry does not know are void."
        )
