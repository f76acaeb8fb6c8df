from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from registry_project.security.sessions import SessionStore
from registry_project.tasks import delete_old_sessions


@pytest.mark.django_db
def test_sessions_that_have_ended_are_deleted() -> None:
    ended, going_on = SessionStore(), SessionStore()
    ended.create()
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    going_on.create()

    delete_old_sessions()

    assert going_on.exists(str(going_on.session_key))
    assert Session.objects.count() == 1


def test_without_the_database_the_task_does_not_raise(database_away: None) -> None:
    delete_old_sessions()


def test_the_schedule_has_only_tasks_that_there_are() -> None:
    current_app.loader.import_default_modules()

    tasks = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks <= set(current_app.tasks)
