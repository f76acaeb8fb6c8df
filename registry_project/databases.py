"""Django's settings of the database, from DATABASE_URL."""

from pathlib import Path
from typing import Any

from environ import Env

from registry_project.environment import WrongValue, split_url

SCHEMES = ("postgres", "postgresql", "sqlite")
TAKES = "postgres://USER:PASSWORD@HOST:5432/NAME or sqlite:///PATH"

# IMMEDIATE: no writer fails half-way, after it has read. FULL: what is acknowledged is on disk.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def parse_database_url(url: str) -> dict[str, Any]:
    """Return Django's settings. Raise WrongValue."""
    parts = split_url(url, SCHEMES)
    if parts.scheme != "sqlite" and not parts.path.strip("/"):
        raise WrongValue("the name of the database is missing")
    database: dict[str, Any] = Env.db_url_config(url)
    database.setdefault("OPTIONS", {})
    return database


def database_settings(
    database: dict[str, Any],
    var_dir: Path,
    *,
    max_age: int,
    timeout: float,
    prepares: bool,
) -> dict[str, Any]:
    """Complete `database`. `max_age` and `timeout` are in seconds."""
    common = {"CONN_MAX_AGE": max_age, "CONN_HEALTH_CHECKS": True}
    if database["ENGINE"] == "django.db.backends.sqlite3":
        return {
            **database,
            **common,
            "OPTIONS": {**database["OPTIONS"], **SQLITE_OPTIONS},
            "TEST": {"NAME": str(var_dir / "test.sqlite3")},
        }
    options = {
        # The keepalives give up a connection to a host that has vanished.
        "connect_timeout": max(1, min(5, int(timeout))),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # Only heartbeats: Django's own statements are never prepared.
        "prepare_threshold": 5 if prepares else None,
        **database["OPTIONS"],
    }
    return {
        **database,
        **common,
        "ENGINE": "registry_project.postgresql",
        "OPTIONS": options,
    }
