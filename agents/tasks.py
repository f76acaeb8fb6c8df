"""Celery's doors to the leases. The schedule is in the settings."""

from celery import shared_task
from django.conf import settings

from agents import leases
from agents.availability import UNAVAILABLE, tell_unavailable


@shared_task(name="agents.purge_expired")
def purge_expired() -> int | None:
    """Delete the agents whose lease has ended; return how many, None without the database."""
    try:
        return leases.purge_expired(batch_size=settings.SWEEP_BATCH_SIZE, actor=leases.SWEEP)
    except UNAVAILABLE as error:
        tell_unavailable(error)  # the next sweep is on its way
        return None


@shared_task(name="agents.trim_history")
def trim_history() -> int | None:
    """Delete the events older than EVENT_RETENTION_DAYS; return how many, None as above."""
    try:
        return leases.trim_history(days=settings.EVENT_RETENTION_DAYS)
    except UNAVAILABLE as error:
        tell_unavailable(error)
        return None
