from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.actors import COMMAND
from agents.tokens import access as access_tokens


class Command(BaseCommand):
    help = (
        "Revoke an access token. Within seconds no web process accepts it any more; the agents "
        "that it has registered keep their leases."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help="the token's key, see list_tokens; or the whole token")

    def handle(self, *, key: str, **_options: Any) -> None:
        key = access_tokens.key_in(key)
        try:
            was_good = access_tokens.revoke(key=key, actor=COMMAND)
        except access_tokens.UnknownToken as error:
            raise CommandError(
                f"There is no token with the key {key!r}. See list_tokens."
            ) from error
        self.stdout.write(f"{key} revoked" if was_good else f"{key} was revoked already")
