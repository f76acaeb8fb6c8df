import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.management.color import Style

from agents.addresses import before_port
from agents.durations import ago, in_words
from agents.management.tables import Column, Row, write_table
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet, read_at
from agents.serializers.agent import AgentSerializer
from agents.states import State

LEASE = 1


class Command(BaseCommand):
    help = "List the agents that are alive, ordered by id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print JSON, as GET /agents returns it"
        )
        parser.add_argument(
            "--include-dead",
            action="store_true",
            help="also the agents that have expired and are not purged yet",
        )

    def handle(self, *, json: bool, include_dead: bool, **_options: Any) -> None:
        agents = AgentRecord.objects.with_read_at().order_by("pk")
        if not include_dead:
            agents = agents.alive()
        try:
            if json:
                self._write_json(agents)
            else:
                self._write_table(agents, include_dead=include_dead)
            self.stdout.flush()
        except BrokenPipeError:
            # `| head` has gone; at exit, Python would try to write the rest again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _write_json(self, agents: AgentQuerySet) -> None:
        """One at a time: they may not all fit in memory."""
        serializer = AgentSerializer()
        before = "["
        for agent in agents.iterator():
            text = json.dumps(serializer.to_representation(agent))
            self.stdout.write(f"{before}\n{text}", ending="")
            before = ","
        self.stdout.write("[]" if before == "[" else "\n]")

    def _write_table(self, agents: AgentQuerySet, *, include_dead: bool) -> None:
        rows = [_row(agent) for agent in agents.iterator()]
        count = AgentRecord.objects.count_fleet()
        expired = count.registered - count.active
        if rows:
            write_table(self.stdout, self.style, _columns, rows)
            alive = sum(row[LEASE].startswith("alive") for row in rows)
            if include_dead:
                total = _counted(len(rows), "agent")
                self.stdout.write(f"\n{total}: {alive:,} alive, {len(rows) - alive:,} expired")
            else:
                hidden = f"; {expired:,} expired: --include-dead lists them" if expired else ""
                self.stdout.write(f"\n{_counted(alive, 'agent')} alive{hidden}")
        elif expired and not include_dead:
            hidden = f"{expired:,} expired: --include-dead lists them"
            self.stdout.write(f"No agents are alive; {hidden}.")
        else:
            url = f"{settings.REGISTRY_URL}/agents/register"
            self.stdout.write(f"No agents are registered. Agents register at {url}.")


def _columns(style: Style) -> list[Column]:
    def colour(lease: str) -> str:
        if lease.startswith("expired"):
            return style.ERROR(lease)
        return style.SUCCESS(lease) if lease == "alive" else style.WARNING(lease)

    return [
        Column("AGENT"),
        Column("LEASE", min_width=len("expired, d…"), colour=colour),
        Column("LEFT"),
        Column("HEARTBEAT"),
        Column("STATUS"),
        Column("ADDRESS", min_width=12),
        Column("NAME", min_width=8, optional=True),
        Column("TAGS", min_width=4, optional=True),
    ]


def _row(agent: AgentRecord) -> Row:
    now = read_at(agent)
    left = (agent.expires_at - now).total_seconds()
    lease = "alive" if agent.is_alive(now) else "expired"
    return (
        agent.agent_id,
        lease if agent.state == State.ACTIVE else f"{lease}, {agent.state}",
        in_words(left, units=1) if left > 0 else "",
        ago((now - agent.last_heartbeat).total_seconds(), units=1),
        agent.status,
        f"{before_port(agent.host)}:{agent.port}",
        agent.agent_name if agent.agent_name != agent.agent_id else "",
        ",".join(agent.tags),
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
