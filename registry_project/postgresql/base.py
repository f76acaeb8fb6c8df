from types import SimpleNamespace
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base

from registry_project.postgresql.connection import Cursor, LimitedConnection, outage
from registry_project.postgresql.deadlines import CLOCK

# Shares of our limit. PostgreSQL gives up first, and says why.
SHARES = {
    "statement_timeout": 0.8,
    "lock_timeout": 0.5,
    "idle_in_transaction_session_timeout": 2.0,
}


class DatabaseWrapper(base.DatabaseWrapper):
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": LimitedConnection.connect})

    def get_connection_params(self) -> dict[str, Any]:
        if self.settings_dict["OPTIONS"].get("server_side_binding"):
            raise ImproperlyConfigured("server_side_binding: statements would have no deadline")
        return super().get_connection_params() | {"cursor_factory": Cursor}

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        try:
            self.connection.read_clock()
        except psycopg.Error:
            return False
        return True

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with outage.watch():
            return super().get_new_connection(conn_params)

    def close_if_health_check_failed(self) -> None:
        # Otherwise Django queries the server before each request.
        if self.connection is not None and self.connection.worked_just_now:
            return
        super().close_if_health_check_failed()

    def init_connection_state(self) -> None:
        super().init_connection_state()
        # Only heartbeats are prepared. By default, PostgreSQL plans them each time.
        settings = {"plan_cache_mode": "force_generic_plan"}
        if outage.seconds is not None:
            settings |= {
                name: f"{int(outage.seconds * share * 1000)}ms" for name, share in SHARES.items()
            }
        # Poolers such as PgBouncer refuse them in the startup packet.
        sql = ", ".join(["set_config(%s, %s, false)"] * len(settings))
        values = [text for setting in settings.items() for text in setting]
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT DATE_PART('epoch', {CLOCK}), {sql}", values)
            self.connection.clock.set(cursor.fetchone()[0])
