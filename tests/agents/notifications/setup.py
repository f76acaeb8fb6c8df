"""Channels and rules for tests."""

import json
from typing import Any

from agents.database.clock import database_now
from agents.encryption import encrypt
from agents.models import Channel, Delivery, Rule
from agents.notifications.channels.secrets import new_secret
from agents.notifications.dispatch import dispatch, next_position


def make_channel(name: str = "hooks", url: str = "http://127.0.0.1:9/", **fields: Any) -> Channel:
    fields.setdefault("kind", Channel.Kind.WEBHOOK)
    fields.setdefault("shown_url", url)
    channel = Channel(name=name, encrypted_url=encrypt(url), **fields)
    if channel.kind == Channel.Kind.WEBHOOK:
        new_secret(channel)
    channel.created_at = database_now()
    channel.save()
    return channel


def make_rule(*events: str, channel: Channel | None = None, **fields: Any) -> Rule:
    fields.setdefault("name", f"rule {Rule.objects.count()}")
    fields.setdefault("summary_above", None)
    rule = Rule.objects.create(events=list(events), begins_after=next_position(), **fields)
    rule.channels.add(channel or Channel.objects.first() or make_channel())
    return rule


def dispatch_all() -> None:
    while dispatch():
        pass


def sent() -> list[tuple[str, str]]:
    """Return type and agent of each message, in their order."""
    return [(one.type, one.agent_id) for one in Delivery.objects.order_by("pk")]


def last_message() -> Any:
    return json.loads(Delivery.objects.latest("pk").body)
