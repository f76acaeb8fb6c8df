from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "Registry"

    def ready(self) -> None:
        from agents.database import lookups  # noqa: F401, PLC0415 - registers them

        connection_created.connect(prepare_connection)


def prepare_connection(connection: Any, **_kwargs: Any) -> None:
    from agents.database.dialect import dialect_of  # noqa: PLC0415 - asks the settings

    dialect_of(connection).prepare_connection(connection)
