"""The database: PostgreSQL, or SQLite on one machine."""

from registry_project.databases import TAKES, database_settings, parse_database_url
from registry_project.settings.base import VAR_DIR, env

# How long a call waits for PostgreSQL; in commands, as long as it takes.
DATABASE_TIMEOUT_SECONDS = env.number("DATABASE_TIMEOUT_SECONDS", 10.0, 1, 3600)
TASK_DATABASE_TIMEOUT_SECONDS = env.number("TASK_DATABASE_TIMEOUT_SECONDS", 60.0, 1, 3600)
# Halves PostgreSQL's work for heartbeats. Off for a pooler in transaction mode without prepared
# statements, such as PgBouncer before 1.21.
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
