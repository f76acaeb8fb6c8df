from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.actors import COMMAND
from agents.management.arguments import positive_number
from agents.management.commands.issue_token import description
from agents.tokens import access as access_tokens
from agents.tokens.rotation import NotReplaceable, rotate
from agents.tokens.terms import BadTerms, lifetime_of

DEFAULT_HOURS = 7 * 24
MOST_HOURS = 1_000_000  # `rotate` refuses it
OPTIONS = {"overlap": "--keep-hours", "lifetime": "--days"}


class Command(BaseCommand):
    help = (
        "Issue an access token that has the rights and the agents of another one, and print it: "
        "it cannot be shown again. The other one ends after a time in which both are valid."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help="the old token's key, see list_tokens; or the whole token")
        parser.add_argument(
            "--keep-hours",
            type=positive_number,
            default=DEFAULT_HOURS,
            help="hours for which the old token stays valid (default: %(default)s)",
        )
        parser.add_argument(
            "--days", type=positive_number, help="days until the new one expires (default: never)"
        )
        parser.add_argument("--quiet", action="store_true", help="print the token and nothing else")

    def handle(self, *, key: str, keep_hours: int, days: int | None, **options: Any) -> None:
        key = access_tokens.key_in(key)
        try:
            token, text = rotate(
                key=key,
                actor=COMMAND,
                overlap=timedelta(hours=min(keep_hours, MOST_HOURS)),
                lifetime=lifetime_of(days),
            )
        except access_tokens.UnknownToken as error:
            raise CommandError(
                f"There is no token with the key {key!r}. See list_tokens."
            ) from error
        except NotReplaceable as error:
            raise CommandError(str(error)) from error
        except BadTerms as error:
            raise CommandError(f"Error: argument {OPTIONS[error.field]}: {error}") from error
        self.stdout.write(text if options["quiet"] else "\n".join(description(token, text)))
