from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.actors import COMMAND
from agents.management.arguments import positive_number
from agents.models import AccessToken
from agents.tokens import access as access_tokens
from agents.tokens.terms import BadTerms, lifetime_of

OPTIONS = {
    "name": "--name",
    "agent_prefix": "--prefix",
    "max_agents": "--max-agents",
    "lifetime": "--days",
}


class Command(BaseCommand):
    help = "Make an access token, and print it: it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", help="what it is for, to recognise it later")
        parser.add_argument(
            "--prefix", default="", help="it may only register ids that begin with this"
        )
        parser.add_argument(
            "--days", type=positive_number, help="days until it expires (default: never)"
        )
        parser.add_argument(
            "--max-agents",
            type=positive_number,
            help="how many of its agents may be alive at once (default: any number)",
        )
        reading = parser.add_mutually_exclusive_group()
        reading.add_argument(
            "--read", action="store_true", help="it may also read about all agents"
        )
        reading.add_argument(
            "--read-only", action="store_true", help="it may read, but not register"
        )
        parser.add_argument(
            "--operate", action="store_true", help="it may also read, and drain agents, as by MCP"
        )
        parser.add_argument("--quiet", action="store_true", help="print the token and nothing else")

    def handle(self, *, prefix: str, max_agents: int | None, days: int | None, **o: Any) -> None:
        try:
            token, text = access_tokens.issue(
                name=o["name"] or _name(prefix, read_only=o["read_only"]),
                actor=COMMAND,
                may_register=not o["read_only"],
                may_read=o["read"] or o["read_only"] or o["operate"],
                may_operate=o["operate"],
                agent_prefix=prefix,
                max_agents=max_agents,
                lifetime=lifetime_of(days),
            )
        except BadTerms as error:
            raise CommandError(f"Error: argument {OPTIONS[error.field]}: {error}") from error
        if o["quiet"]:
            self.stdout.write(text)
        else:
            self.stdout.write("\n".join(description(token, text)))


def _name(prefix: str, *, read_only: bool) -> str:
    if read_only:
        return "reading"
    return f"agents {prefix[:80]}*" if prefix else "all agents"


def description(token: AccessToken, text: str) -> list[str]:
    until = "until it is revoked"
    if token.expires_at is not None:
        until = f"until {token.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    use = "Authorization: Bearer TOKEN"
    if token.may_register:
        use = "give it to an agent as AGENT_ENROLMENT_TOKEN, or send it as " + use
    return [
        "Here is the token. It cannot be shown again:",
        "",
        f"    {text}",
        "",
        f"It may {token.in_words}, {until}.",
        f"To use it: {use}",
        f"To revoke it: python manage.py revoke_token {token.key}",
    ]
