"""One line for each record, on standard error."""

from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SERVICE_UNAVAILABLE = 503


def log_settings(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        # agents.database.availability logs outages, and not for each request.
        "filters": {
            "no_503": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: (
                    getattr(record, "status_code", None) != SERVICE_UNAVAILABLE
                ),
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            # 404s of agents that must register again would flood the log.
            "django.request": {"level": "ERROR", "filters": ["no_503"]},
            # Failed logins and lockouts.
            "axes": {"level": "WARNING"},
        },
        "root": {"handlers": ["console"], "level": level},
    }
