"""Delivers what is due. Any number of workers may run it."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from django.conf import settings
from django.db import Error, connection

from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.database.clock import DatabaseNow, database_now
from agents.models import Channel, Delivery
from agents.notifications.channels.senders import sender_for
from agents.notifications.delivery.queue import due_channels, next_deliveries
from agents.notifications.delivery.record import record
from agents.notifications.delivery.turn import ChannelTurn

logger = logging.getLogger("agents.notifications")

# A worker does not sweep while it sends.
BUDGET_SECONDS = 10.0
MAX_CHANNELS = 16  # at once

State = Delivery.State


def deliver_due(seconds: float = BUDGET_SECONDS) -> bool:
    """Deliver for about that long; return whether more is due."""
    channels = [one.pk for one in due_channels()[:MAX_CHANNELS]]
    deadline = time.monotonic() + seconds
    if len(channels) == 1:
        deliver_to(channels[0], deadline)
    elif channels:
        with ThreadPoolExecutor(len(channels), thread_name_prefix="channel") as threads:
            for channel_id in channels:
                threads.submit(_deliver_in_thread, channel_id, deadline)
    return bool(due_channels())


def _deliver_in_thread(channel_id: int, deadline: float) -> None:
    with closing(connection):
        try:
            deliver_to(channel_id, deadline)
        except UNAVAILABLE as error:
            log_unavailable(error)
        except Exception:
            logger.exception("messages could not be delivered")


def deliver_to(channel_id: int, deadline: float) -> None:
    """Deliver until nothing is due, the channel fails, or the deadline has passed."""
    turn = ChannelTurn(channel_id)
    if not turn.take():
        return
    try:
        channel = Channel.objects.get(pk=channel_id)
        with sender_for(channel, settings.NOTIFICATION_NETWORKS) as sender:
            while True:
                now = database_now()
                if channel.is_muted(now):
                    _mute_waiting(channel)
                    return
                deliveries = next_deliveries(channel, now, sender.batch_size)
                if not deliveries:
                    return
                outcomes = sender.send(deliveries, now)
                attempts = list(zip(deliveries, outcomes, strict=False))
                works = record(channel_id, attempts, database_now())
                if not works or time.monotonic() >= deadline or not turn.take():
                    return
                channel.refresh_from_db()
    finally:
        try:
            turn.release()
        except Error as error:  # it ends by itself
            log_unavailable(error)


def _mute_waiting(channel: Channel) -> None:
    waiting = channel.deliveries.filter(state=State.WAITING)
    waiting.update(state=State.MUTED, attempted_at=DatabaseNow())
