"""The registry's settings: the only module that reads the environment.

Every variable can also be given as a file: ``NAME_FILE`` holds a path whose content is the value
of ``NAME`` (Docker and Kubernetes secrets). docs/configuration.md lists them all.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from registry_project.secret_key import read_or_create

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

# Everything that the registry writes on one machine lies below this folder.
VAR_DIR = Path(env.str("REGISTRY_VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", default=False)
# Several machines must share one key; a single one makes its own.
SECRET_KEY = env.str("SECRET_KEY", default="") or read_or_create(VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Agents reach the registry under names that nobody told it (a container's network, an address),
# and no link is built from the Host header; behind a proxy, narrow this.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "registry_project",
    "agents",
    "deploygen",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "registry_project.urls"
WSGI_APPLICATION = "registry_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------

DATABASE: dict[str, Any] = env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/registry.sqlite3")
DATABASE["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
DATABASE["CONN_HEALTH_CHECKS"] = True
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    DATABASE.setdefault("OPTIONS", {})
    # Writers take the lock when they begin, so that none fails half-way for having read first;
    # what is acknowledged is on the disk.
    DATABASE["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    DATABASE["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    DATABASE.setdefault("OPTIONS", {})
    DATABASE["OPTIONS"].setdefault("connect_timeout", 5)
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The registry ---------------------------------------------------------------------------

# Where agents and people reach this registry: written into the agents that it generates.
REGISTRY_URL = env.str("REGISTRY_URL", default="http://localhost:9000").rstrip("/")
# Seconds between two sweeps, and how many rows one DELETE of a sweep takes.
SWEEP_INTERVAL_SECONDS = env.int("SWEEP_INTERVAL_SECONDS", default=15)
SWEEP_BATCH_SIZE = env.int("SWEEP_BATCH_SIZE", default=1000)
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=90)
# Bytes of a request's body.
MAX_BODY_BYTES = 64 * 1024

# --- Celery ---------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost")
if CELERY_BROKER_URL.startswith("filesystem"):
    BROKER_DIR = VAR_DIR / "broker"
    for folder in ("messages", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
        # Seconds; kombu's own second would add up to that to a sweep and to a stop.
        "polling_interval": 0.25,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# The schedule is short and idempotent: beat needs no memory of its own, and so no file that a
# crash could corrupt.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "purge-expired": {
        "task": "agents.purge_expired",
        "schedule": timedelta(seconds=SWEEP_INTERVAL_SECONDS),
        # A worker that was away finds one sweep to do, not a backlog of them.
        "options": {"expires": SWEEP_INTERVAL_SECONDS},
    },
    "trim-history": {
        "task": "agents.trim_history",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
}

# --- API ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": ["agents.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "agents.api.errors.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Agent registry",
    "DESCRIPTION": "Which agents live, where, and what they can do.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["agents.api.documentation.without_slashes"],
    "ENUM_NAME_OVERRIDES": {
        "AgentState": "agents.models.AgentRecord.State",
        "AgentStatus": "agents.models.AgentRecord.Status",
    },
}

# --- The rest of Django ---------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
# The files are served from the packages they come in: there is no step of collecting them.
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    # A database that is away is told by agents.availability, once in a while, not once a request.
    "filters": {
        "no_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) != 503,  # noqa: PLR2004
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # An agent that has to register again is no news, and a fleet of them would be a flood.
    "loggers": {"django.request": {"level": "ERROR", "filters": ["no_503"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
