import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")

app = Celery("registry_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def limit_waiting_for_database(**_kwargs: Any) -> None:
    from django.conf import settings  # noqa: PLC0415

    from registry_project.postgresql.connection import limit_waiting  # noqa: PLC0415

    limit_waiting(settings.TASK_DATABASE_TIMEOUT_SECONDS)
