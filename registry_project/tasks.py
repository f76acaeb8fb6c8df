from celery import shared_task

from agents.database.availability import UNAVAILABLE, log_unavailable
from registry_project.security.sessions import SessionStore


@shared_task(name="registry_project.delete_old_sessions")
def delete_old_sessions() -> None:
    try:
        SessionStore.clear_expired()
    except UNAVAILABLE as error:
        log_unavailable(error)
