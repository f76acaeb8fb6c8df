from typing import Any

from django.core.management.base import BaseCommand

from registry_project.version import VERSION


class Command(BaseCommand):
    help = "Print the version of the registry. (--version prints Django's.)"
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        self.stdout.write(VERSION)
