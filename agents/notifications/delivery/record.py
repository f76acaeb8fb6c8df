"""Writes the outcomes of attempts."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from agents.actors import REGISTRY
from agents.history.record import Kind, record_event
from agents.models import MAX_ANSWER_LENGTH, MAX_REASON_LENGTH, Channel, Delivery
from agents.notifications.delivery.backoff import pause_after
from agents.notifications.delivery.outcomes import Outcome, Verdict

logger = logging.getLogger("agents.notifications")

# How long a message is retried that a receiver refuses while it accepts others.
LONGEST_REFUSAL = timedelta(hours=1)

State = Delivery.State
Attempt = tuple[Delivery, Outcome]


def record(channel_id: int, attempts: Sequence[Attempt], now: datetime) -> bool:
    """Return whether the channel works."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update().filter(pk=channel_id).first()
        if channel is None:
            return False
        works = _update_channel(channel, [outcome for _, outcome in attempts], now)
        for delivery, outcome in attempts:
            _update_delivery(delivery, outcome, channel, now)
        channel.save(
            update_fields=[
                *("failures", "failing_since", "retry_at", "last_error", "last_success_at"),
                *("delivered_total", "given_up_total", "failures_total"),
                *("is_enabled", "disabled_reason"),
            ]
        )
    return works


def _update_channel(channel: Channel, outcomes: Sequence[Outcome], now: datetime) -> bool:
    good = [one for one in outcomes if one.verdict in (Verdict.DELIVERED, Verdict.REFUSED)]
    bad = [one for one in outcomes if one not in good]
    retry_after = max((one.retry_after for one in bad), default=0.0)
    channel.retry_at = now + timedelta(seconds=retry_after) if retry_after else None
    if good:
        channel.failures, channel.failing_since = 0, None
    elif bad:
        channel.failures += 1
        channel.failing_since = channel.failing_since or now
        channel.last_error = bad[0].answer
        pause = max(pause_after(channel.failures), retry_after)
        channel.retry_at = now + timedelta(seconds=pause)
    if any(one.verdict is Verdict.DELIVERED for one in good):
        channel.last_success_at = now
    channel.failures_total += len(bad)
    if any(one.verdict is Verdict.GONE for one in bad):
        disable(channel, "the receiver is gone (410)")
    elif channel.failing_since is not None:
        longest = timedelta(hours=settings.CHANNEL_FAILURE_HOURS)
        if now - channel.failing_since >= longest:
            hours = settings.CHANNEL_FAILURE_HOURS
            disable(channel, f"no success for {hours} h: {channel.last_error}")
    return bool(good)


def disable(channel: Channel, reason: str) -> None:
    """Save it afterwards."""
    if not channel.is_enabled:
        return
    logger.warning("the notification channel “%s” is disabled: %s", channel, reason)
    channel.is_enabled = False
    channel.disabled_reason = reason[:MAX_ANSWER_LENGTH]
    record_event(
        Kind.CHANNEL_DISABLED,
        actor=REGISTRY,
        reason=f"{channel.name}: {reason}"[:MAX_REASON_LENGTH],
    )


def _update_delivery(delivery: Delivery, outcome: Outcome, channel: Channel, now: datetime) -> None:
    changes = {"attempts": delivery.attempts + 1, "attempted_at": now, "answer": outcome.answer}
    if outcome.verdict is Verdict.DELIVERED:
        channel.delivered_total += 1
        changes |= {"state": State.DELIVERED, "next_attempt_at": None}
    else:
        failed = delivery.first_failed_at or now
        changes["first_failed_at"] = failed
        if _is_hopeless(outcome, channel, failed, now):
            channel.given_up_total += 1
            changes |= {"state": State.GIVEN_UP, "next_attempt_at": None}
        elif not channel.failures:
            # Otherwise the whole channel waits.
            pause = timedelta(seconds=pause_after(delivery.attempts + 1))
            changes["next_attempt_at"] = now + pause
    Delivery.objects.filter(pk=delivery.pk, state=State.WAITING).update(**changes)


def _is_hopeless(outcome: Outcome, channel: Channel, failed: datetime, now: datetime) -> bool:
    if now - failed < LONGEST_REFUSAL:
        return False
    others_arrive = channel.last_success_at is not None and channel.last_success_at > failed
    return outcome.verdict is Verdict.REFUSED or others_arrive
