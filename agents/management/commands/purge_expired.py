from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from agents import leases
from agents.actors import COMMAND
from agents.durations import exactly
from agents.leases.fleet.count import count_fleet
from agents.leases.purge.hold import current_hold
from agents.leases.purge.mass_expiry import assess, count_excused
from agents.leases.purge.registry_uptime import report_uptime
from agents.management.arguments import positive_number
from agents.models import AgentRecord


class Command(BaseCommand):
    help = (
        "Delete the agents whose lease has ended, and print how many. Agents are kept for a while "
        "if it is probably not their fault: if the registry was down, or if most of the fleet fell "
        "silent at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only count them, delete nothing"
        )
        parser.add_argument(
            "--force", action="store_true", help="also delete those that would be kept"
        )
        parser.add_argument(
            "--batch-size",
            type=positive_number,
            default=settings.SWEEP_BATCH_SIZE,
            help="how many to delete in one transaction (%(default)s)",
        )

    def handle(self, *, dry_run: bool, force: bool, batch_size: int, **_options: Any) -> None:
        if dry_run:
            fleet = assess(count_fleet())
            held = fleet.expired if fleet.must_hold and not force else 0
            self.stdout.write(f"{AgentRecord.objects.expired().count()} expired, none purged")
        else:
            purge = leases.purge_expired(batch_size=batch_size, actor=COMMAND, force=force)
            held = purge.held
            self.stdout.write(f"{purge.purged} purged")
        if not force:
            self._explain_kept(held, dry_run=dry_run)

    def _explain_kept(self, held: int, *, dry_run: bool) -> None:
        excused = count_excused()
        if held:
            self.stdout.write(_explain_hold(held, dry_run=dry_run))
        if excused:
            self.stdout.write(f"{excused} kept, {_explain_uptime()}.")
        if held or excused:
            self.stdout.write("To purge them all now: manage.py purge_expired --force")


def _explain_hold(held: int, *, dry_run: bool) -> str:
    why = "so many fell silent at once that the network is probably to blame, not the agents"
    if dry_run:
        return f"{held} would be held: {why}."
    hold = current_hold()
    until = f" until {exactly(hold.until)} at the latest" if hold else ""
    return f"{held} held{until}: {why}."


def _explain_uptime() -> str:
    up = report_uptime()
    assert up is not None  # noqa: S101
    if up.is_at_work:
        since = exactly(up.up_since)
        return f"because the registry was down until {since}: each has its TTL from then"
    return f"because no web process has run since {exactly(up.seen_at)}"
