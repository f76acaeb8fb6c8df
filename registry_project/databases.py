"""The database: what DATABASE_URL says, with what the registry needs of SQLite and PostgreSQL."""

from pathlib import Path
from typing import Any

from environ import Env

from registry_project.environment import WrongValue, split_url

SCHEMES = ("postgres", "postgresql", "sqlite")
TAKES = "postgres://USER:PASSWORD@HOST:5432/NAME or sqlite:///PATH"

# Writers take the lock when they begin, so that none fails half-way after having read. What is
# acknowledged is on the disk.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def parse_database_url(url: str) -> dict[str, Any]:
    """Return Django's settings for the database at `url`. Raise WrongValue."""
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
    """Complete `database`. `max_age` and `timeout` are in seconds; `prepares`: plan once."""
    common = {"CONN_MAX_AGE": max_age, "CONN_HEALTH_CHECKS": True}
    if database["ENGINE"] == "django.db.backends.sqlite3":
        return {
            **database,
            **common,
            "OPTIONS": {**database["OPTIONS"], **SQLITE_OPTIONS},
            "TEST": {"NAME": str(var_dir / "test.sqlite3")},
        }
    options = {
        # Seconds to connect; the rest is how soon a connection to a vanished host is given up.
        "connect_timeout": max(1, min(5, int(timeout))),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # psycopg prepares nothing without a threshold. Django's own statements are never prepared.
        "prepare_threshold": 5 if prepares else None,
        **database["OPTIONS"],
    }
    return {
        **database,
        **common,
        # Django's backend, which gives up on a server that does not answer.
        "ENGINE": "registry_project.postgresql",
        "OPTIONS": options,
    }
