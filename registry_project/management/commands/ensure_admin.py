import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

PASSWORD_BYTES = 15


class Command(BaseCommand):
    help = (
        "Make a superuser with a random password, printed this once, "
        "unless there is a superuser already."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", default="admin", help="its name (%(default)s)")

    def handle(self, *, username: str, **_options: Any) -> None:
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        with transaction.atomic():
            if User.objects.filter(is_superuser=True, is_active=True).exists():
                return
            if User.objects.filter(username=username).exists():
                raise CommandError(
                    f"The user {username!r} exists, but is not an active superuser. "
                    "Choose another name with --username."
                )
            User.objects.create_superuser(username, password=password)
        self.stdout.write(framed([
            "A login for the admin was made. The password is not shown again.",
            "",
            f"    name      {username}",
            f"    password  {password}",
            "",
            f"Another password: python manage.py changepassword {username}",
        ]))  # fmt: skip


def framed(lines: list[str]) -> str:
    width = max(len(line) for line in lines)
    edge = f"+{'-' * (width + 4)}+"
    return "\n".join([edge, *(f"|  {line:<{width}}  |" for line in lines), edge])
