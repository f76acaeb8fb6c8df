"""The database, by DATABASE_URL: PostgreSQL, or SQLite on one machine."""

from registry_project.databases import TAKES, database_settings, parse_database_url
from registry_project.settings.base import VAR_DIR, env

# Seconds that a call of the web, or one of the worker, waits for PostgreSQL. Commands wait.
DATABASE_TIMEOUT_SECONDS = env.number("DATABASE_TIMEOUT_SECONDS", 10.0, 1, 3600)
TASK_DATABASE_TIMEOUT_SECONDS = env.number("TASK_DATABASE_TIMEOUT_SECONDS", 60.0, 1, 3600)
# Whether PostgreSQL plans the statement of the heartbeats once for each connection: half the work.
# A pooler in transaction mode that has no prepared statements (PgBouncer before 1.21) needs it off.
PREPARED_STATEMENTS = env.flag("PREPARED_STATEMENTS", default=True)
DATABASES = {
    "default": database_settings(
        env.parsed(
            "DATABASE_URL",
            parse_database_url(f"sqlite:///{VAR_DIR}/registry.sqlite3"),
            parse_database_url,
            takes=TAKES,
        ),
        VAR_DIR,
        max_age=env.integer("CONN_MAX_AGE", 600, 0, 86_400),
        timeout=DATABASE_TIMEOUT_SECONDS,
        prepares=PREPARED_STATEMENTS,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
