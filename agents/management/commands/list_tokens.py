from argparse import ArgumentParser
from datetime import datetime
from json import dumps
from typing import Any

from django.core.management.base import BaseCommand
from django.core.management.color import Style

from agents.durations import ago, in_words
from agents.management.tables import Column, Row, write_table
from agents.models import AccessToken

FIELDS = (
    "key",
    "name",
    "may_register",
    "may_read",
    "may_operate",
    "agent_prefix",
    "max_agents",
    "created_at",
    "created_by",
    "expires_at",
    "revoked_at",
    "revoked_by",
    "last_used_at",
    "last_used_from",
)


class Command(BaseCommand):
    help = "List the access tokens: who may register agents, and who may read about them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *, json: bool, **_options: Any) -> None:
        tokens = list(AccessToken.objects.with_agents().order_by("pk"))
        if json:
            self.stdout.write(dumps([_fields(token) for token in tokens], indent=1))
        elif tokens:
            write_table(self.stdout, self.style, _columns, [_row(token) for token in tokens])
        else:
            self.stdout.write("No access tokens. Make one with: python manage.py issue_token")


def _fields(token: Any) -> dict[str, Any]:
    values = {name: getattr(token, name) for name in FIELDS}
    return {
        **{k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()},
        "state": token.state(token.read_at),
        "alive_agents": token.alive_agents,
    }


def _columns(style: Style) -> list[Column]:
    def colour(state: str) -> str:
        return style.SUCCESS(state) if state == AccessToken.State.GOOD else style.ERROR(state)

    return [
        Column("KEY"),
        Column("STATE", colour=colour),
        Column("ENDS IN"),
        Column("MAY"),
        Column("PREFIX", min_width=8),
        Column("ALIVE"),
        Column("USED", optional=True),
        Column("NAME", min_width=8),
    ]


def _row(token: Any) -> Row:
    now, state = token.read_at, token.state(token.read_at)
    left = None
    if state == AccessToken.State.GOOD and token.expires_at is not None:
        left = in_words((token.expires_at - now).total_seconds(), units=1)
    used = None
    if token.last_used_at is not None:
        used = ago((now - token.last_used_at).total_seconds(), units=1)
    of_most = "" if token.max_agents is None else f" of {token.max_agents:,}"
    return (
        token.key,
        state,
        left or "",
        ", ".join(token.rights),
        token.agent_prefix,
        f"{token.alive_agents:,}{of_most}" if token.may_register else "",
        used or "never",
        token.name,
    )
