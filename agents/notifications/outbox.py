"""Messages of one pass of the dispatcher, in the order of their events."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import uuid4

from agents.models import AgentEvent, Channel, Delivery, Rule
from agents.notifications import messages
from agents.notifications.messages import Message
from agents.notifications.subjects import Subjects


class Outbox:
    """`now`: the database's time."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._messages: list[tuple[int, Rule, Message]] = []

    def add(self, rule: Rule, events: Sequence[AgentEvent], subjects: Subjects) -> None:
        for event in events:
            message = messages.of_event(event, subjects.agent(event), rule.name)
            self._messages.append((event.pk, rule, message))

    def add_summary(self, rule: Rule, number: int, message: Message) -> None:
        """`number`: of its last event."""
        self._messages.append((number, rule, message))

    def write(self) -> None:
        self._messages.sort(key=lambda one: one[0])
        Delivery.objects.bulk_create(self._deliveries())

    def _deliveries(self) -> Iterator[Delivery]:
        for _, rule, message in self._messages:
            for channel in rule.channels.all():
                if channel.is_enabled:
                    yield delivery_of(message, channel, self.now, rule_name=rule.name)


def delivery_of(
    message: Message, channel: Channel, now: datetime, *, rule_name: str = ""
) -> Delivery:
    """Return it unsaved."""
    states = Delivery.State
    return Delivery(
        channel=channel,
        rule_name=rule_name,
        agent_id=message.agent_id,
        message_id=f"msg_{uuid4().hex}",
        type=message.type,
        body=message.body,
        state=states.MUTED if channel.is_muted(now) else states.WAITING,
        created_at=now,
    )
