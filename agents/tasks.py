import logging

from celery import shared_task
from django.conf import settings

from agents import leases
from agents.actors import SWEEP
from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.history import retention
from agents.history.record import Kind
from agents.leases.purge.sweep_mark import report_sweeps
from agents.notifications.delivery.run import deliver_due
from agents.notifications.dispatch import dispatch
from agents.notifications.retention import delete_old_deliveries
from agents.notifications.wake import TASK as SEND_NOTIFICATIONS
from agents.notifications.wake import wake_worker
from agents.probes.run import run_probes
from agents.probes.schedule import delete_unused_probes

logger = logging.getLogger(__name__)

# The rest is for other tasks.
PROBING_SHARE = 0.8


@shared_task(name="agents.purge_expired")
def purge_expired() -> int | None:
    """Return how many agents were purged, None if the database is away."""
    try:
        if not report_sweeps().is_due:
            return 0
        purge = leases.purge_expired(batch_size=settings.SWEEP_BATCH_SIZE, actor=SWEEP)
    except UNAVAILABLE as error:
        log_unavailable(error)
        return None
    if purge.event is Kind.PURGE_HELD:
        logger.warning("purging is held: %s", purge.reason)
    elif purge.event is Kind.PURGE_RESUMED:
        logger.warning("purging resumes: %s", purge.reason)
    return purge.purged


@shared_task(name="agents.probe_agents")
def probe_agents() -> int | None:
    """Return how many agents were probed, None if the database is away."""
    try:
        return run_probes(PROBING_SHARE * settings.PROBE_RUN_SECONDS)
    except UNAVAILABLE as error:
        log_unavailable(error)
        return None


@shared_task(name="agents.delete_old_history")
def delete_old_history() -> int | None:
    """Return how many events were deleted, None if the database is away."""
    try:
        leases.delete_leftovers()
        delete_old_deliveries(days=settings.NOTIFICATION_RETENTION_DAYS)
        delete_unused_probes()
        return retention.delete_old_history(days=settings.EVENT_RETENTION_DAYS)
    except UNAVAILABLE as error:
        log_unavailable(error)
        return None


@shared_task(name=SEND_NOTIFICATIONS)
def send_notifications() -> None:
    """Deliver what is due. It applies rules too, should no web process do so."""
    try:
        is_behind = dispatch()
        if deliver_due() or is_behind:
            wake_worker()
    except UNAVAILABLE as error:
        log_unavailable(error)
