"""Celery's doors to the leases. The schedule is in the settings."""

from celery import shared_task
from django.conf import settings

from agents import leases


@shared_task(name="agents.purge_expired")
def purge_expired() -> int:
    """Delete the agents whose lease has ended; return how many."""
    return leases.purge_expired(batch_size=settings.SWEEP_BATCH_SIZE, actor=leases.SWEEP)


@shared_task(name="agents.trim_history")
def trim_history() -> int:
    """Delete the events that are older than EVENT_RETENTION_DAYS; return how many."""
    return leases.trim_history(days=settings.EVENT_RETENTION_DAYS)
