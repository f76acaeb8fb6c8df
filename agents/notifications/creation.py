"""Creates channels and rules for programs; people use the admin."""

from collections.abc import Sequence

from django.db import transaction

from agents.database.clock import database_now
from agents.encryption import encrypt
from agents.models import Channel, Rule
from agents.notifications.channels.secrets import new_secret
from agents.notifications.channels.urls import UnusableUrl, shown_url
from agents.notifications.dispatch import next_position
from agents.notifications.rules import problems


class Unusable(ValueError):
    """`field`: what the message is about."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def add_channel(*, name: str, kind: str, url: str, actor: str) -> tuple[Channel, str]:
    """Return it, and the secret of a webhook. Raise Unusable."""
    if Channel.objects.filter(name=name).exists():
        raise Unusable("name", f"There is a channel “{name}” already.")
    try:
        shown = shown_url(kind, url)
    except UnusableUrl as error:
        raise Unusable("url", str(error)) from error
    channel = Channel(name=name, kind=kind, shown_url=shown, encrypted_url=encrypt(url))
    secret = new_secret(channel) if kind == Channel.Kind.WEBHOOK else ""
    channel.created_at, channel.created_by = database_now(), actor
    channel.save()
    return channel, secret


@transaction.atomic
def add_rule(
    *,
    name: str,
    channel: Channel,
    events: Sequence[str],
    filter_: str = "",
    for_seconds: int = 0,
    summarises: bool = True,
) -> Rule:
    """Raise Unusable."""
    if Rule.objects.filter(name=name).exists():
        raise Unusable("name", f"There is a rule “{name}” already.")
    found = problems(events=events, filter_=filter_, for_seconds=for_seconds)
    for field, problem in found.items():
        raise Unusable(field, problem)
    rule = Rule(
        name=name,
        events=list(events),
        filter=filter_,
        for_seconds=for_seconds,
        begins_after=next_position(),
    )
    if not summarises:
        rule.summary_above = None
    rule.save()
    rule.channels.add(channel)
    return rule
