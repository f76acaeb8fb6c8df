from django.conf import settings

from agents.database.clock import database_now
from agents.models import Channel, Delivery
from agents.notifications.channels.senders import sender_for
from agents.notifications.delivery.outcomes import Verdict
from agents.notifications.messages import of_test
from agents.notifications.outbox import delivery_of


def send_test(channel: Channel) -> Delivery:
    """Send a test, even if the channel is muted or disabled; return its delivery."""
    now = database_now()
    delivery = delivery_of(of_test(now, channel.name), channel, now)
    with sender_for(channel, settings.NOTIFICATION_NETWORKS) as sender:
        [outcome] = sender.send([delivery], now)
    arrived = outcome.verdict is Verdict.DELIVERED
    states = Delivery.State
    delivery.state = states.DELIVERED if arrived else states.GIVEN_UP
    delivery.attempts, delivery.attempted_at, delivery.answer = 1, now, outcome.answer
    delivery.save()
    if arrived:
        # Others need not wait for the next attempt.
        Channel.objects.filter(pk=channel.pk).update(retry_at=None)
    return delivery
