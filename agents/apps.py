from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "Registry"

    def ready(self) -> None:
        from agents.database import lookups  # noqa: F401, PLC0415 - registers them

        connection_created.connect(prepare_connection)
        post_migrate.connect(create_roles, sender=self)


def prepare_connection(connection: Any, **_kwargs: Any) -> None:
    from agents.database.dialect import dialect_of  # noqa: PLC0415 - asks the settings

    dialect_of(connection).prepare_connection(connection)


def create_roles(using: str, **_kwargs: Any) -> None:
    from agents.admin import roles  # noqa: PLC0415 - has models

    roles.create_roles(using)
