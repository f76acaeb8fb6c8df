from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from agents.actors import COMMAND
from agents.management.arguments import positive_number
from agents.models import AgentEvent, Channel
from agents.notifications.creation import Unusable, add_channel, add_rule

OPTIONS = {"filter": "--filter", "for_seconds": "--for"}


class Command(BaseCommand):
    help = (
        "Make a notification channel and, with --event, a rule of the same name that sends these "
        "events there. The secret of a webhook is printed: it cannot be shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("url", help="of a webhook, or of a service as apprise writes it")
        parser.add_argument(
            "--apprise", action="store_true", help="the URL is one of apprise, not of a webhook"
        )
        parser.add_argument(
            "--event",
            action="append",
            default=[],
            choices=AgentEvent.Kind.values,
            metavar="KIND",
            help="a kind of event, such as expired; several times for several kinds",
        )
        parser.add_argument("--filter", default="", help="which agents, such as tag=gpu&host=h1")
        parser.add_argument(
            "--for",
            type=positive_number,
            default=0,
            dest="for_seconds",
            metavar="SECONDS",
            help="only if the agent is still in that state then",
        )
        parser.add_argument(
            "--each", action="store_true", help="a message for each event, never a summary"
        )
        parser.add_argument("--quiet", action="store_true", help="print only the secret")

    @transaction.atomic
    def handle(self, *, name: str, url: str, event: list[str], **o: Any) -> None:
        kind = Channel.Kind.APPRISE if o["apprise"] else Channel.Kind.WEBHOOK
        try:
            channel, secret = add_channel(name=name, kind=kind, url=url, actor=COMMAND)
            if event:
                add_rule(
                    name=name,
                    channel=channel,
                    events=event,
                    filter_=o["filter"],
                    for_seconds=o["for_seconds"],
                    summarises=not o["each"],
                )
        except Unusable as error:
            argument = OPTIONS.get(error.field, error.field)
            raise CommandError(f"Error: argument {argument}: {error}") from error
        if o["quiet"]:
            self.stdout.write(secret)
            return
        self.stdout.write(f"Channel “{name}” sends to {channel.shown_url}")
        if secret:
            self.stdout.write(f"Its secret, which cannot be shown again: {secret}")
