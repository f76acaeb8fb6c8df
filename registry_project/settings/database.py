from typing import Any

from environ import Env

from registry_project.environment import WrongValue, split_url
from registry_project.settings.base import VAR_DIR, env

DATABASE_SCHEMES = ("postgres", "postgresql", "sqlite")


def parse_database_url(url: str) -> dict[str, Any]:
    """Raise WrongValue."""
    parts = split_url(url, DATABASE_SCHEMES)
    if parts.scheme != "sqlite" and not parts.path.strip("/"):
        raise WrongValue("the name of the database is missing")
    database: dict[str, Any] = Env.db_url_config(url)
    database.setdefault("OPTIONS", {})
    return database


DATABASE_TIMEOUT_SECONDS = env.number("DATABASE_TIMEOUT_SECONDS", 10.0, 1, 3600)
TASK_DATABASE_TIMEOUT_SECONDS = env.number("TASK_DATABASE_TIMEOUT_SECONDS", 60.0, 1, 3600)
# Halves PostgreSQL's work for heartbeats. Off for poolers without prepared statements, such as
# PgBouncer before 1.21 in transaction mode.
PREPARED_STATEMENTS = env.flag("PREPARED_STATEMENTS", default=True)

_database = {
    **env.parsed(
        "DATABASE_URL",
        parse_database_url(f"sqlite:///{VAR_DIR}/registry.sqlite3"),
        parse_database_url,
        takes="postgres://USER:PASSWORD@HOST:5432/NAME or sqlite:///PATH",
    ),
    "CONN_MAX_AGE": env.integer("CONN_MAX_AGE", 600, 0, 86_400),
    "CONN_HEALTH_CHECKS": True,
}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: no writer fails after it has read. FULL: what is acknowledged is on disk.
    _database["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    _database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    _database["ENGINE"] = "registry_project.postgresql"
    _database["OPTIONS"] = {
        "connect_timeout": max(1, min(5, int(DATABASE_TIMEOUT_SECONDS))),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # Heartbeats only.
        "prepare_threshold": 5 if PREPARED_STATEMENTS else None,
        **_database["OPTIONS"],
    }
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
