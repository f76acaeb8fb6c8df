"""The registry's settings: the only module that reads the environment.

Every variable can also be given as a file: ``NAME_FILE`` holds a path whose content is the value
of ``NAME`` (Docker and Kubernetes secrets). docs/configuration.md lists them all.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from environ.fileaware_mapping import FileAwareMapping  # type: ignore[import-untyped]

from registry_project.endpoints.probe_hosts import WATCHED
from registry_project.security.secret_key import read_or_create
from registry_project.server import framing

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


class FilesOrVariables(FileAwareMapping):  # type: ignore[misc]  # has no types
    """The environment, where NAME_FILE stands for NAME."""

    def __getitem__(self, name: str) -> str:
        # Editors and commands end a file with a line end, which is no part of what it holds.
        value: str = super().__getitem__(name)
        return value.rstrip("\r\n")


env = environ.Env()
env.ENVIRON = FilesOrVariables(env.ENVIRON)

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
    "registry_project.apps.LoginsConfig",
    "csp",
    "registry_project",
    "agents",
    "deploygen",
]

MIDDLEWARE = [
    "registry_project.security.proxies.TrustedProxies",
    "registry_project.endpoints.probe_hosts.WatchedByAddress",
    "registry_project.endpoints.head_requests.NoBody",
    # Before what may answer by itself, so that these answers have the headers too.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "registry_project.security.content_policy.ContentPolicy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
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

# Seconds for a call of the web, and one of the worker, to wait for PostgreSQL. Commands wait.
DATABASE_TIMEOUT_SECONDS = env.float("DATABASE_TIMEOUT_SECONDS", default=10.0)
TASK_DATABASE_TIMEOUT_SECONDS = env.float("TASK_DATABASE_TIMEOUT_SECONDS", default=60.0)

# Whether PostgreSQL plans the statement of the heartbeats once for each connection: half the work.
# A pooler in transaction mode that has no prepared statements (PgBouncer before 1.21) needs it off.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", default=True)

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
    # Django's own, but for a server that does not answer: nobody waits longer than this for it.
    DATABASE["ENGINE"] = "registry_project.postgresql"
    # Seconds for it to let us in; and until a connection whose other end is gone is known to be.
    DATABASE["OPTIONS"] = {
        "connect_timeout": max(1, min(5, int(DATABASE_TIMEOUT_SECONDS))),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # Without one, psycopg prepares nothing, whatever it is told; Django's own never are.
        "prepare_threshold": 5 if PREPARED_STATEMENTS else None,
        **DATABASE.get("OPTIONS", {}),
    }
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The registry ---------------------------------------------------------------------------

# Where agents and people reach this registry: written into the agents that it generates.
REGISTRY_URL = env.str("REGISTRY_URL", default="http://localhost:9000").rstrip("/")
# Who may register, heartbeat and read: "open" (everybody who reaches it) or "token". Whatever else
# it is set to counts as "token", and is told by a check.
REGISTRY_AUTH = env.str("REGISTRY_AUTH", default="open" if DEBUG else "token")
# In token mode: whether reading the list of agents needs no token.
REGISTRY_PUBLIC_READ = env.bool("REGISTRY_PUBLIC_READ", default=False)
# Seconds between two sweeps, and how many rows one DELETE of a sweep takes.
SWEEP_INTERVAL_SECONDS = env.int("SWEEP_INTERVAL_SECONDS", default=15)
SWEEP_BATCH_SIZE = env.int("SWEEP_BATCH_SIZE", default=1000)
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=90)
# Whether the web server answers heartbeats by itself, many by one commit. Off, each goes through
# Django, as it does in any other server: the same answers for many times the cost.
FAST_HEARTBEATS = env.bool("FAST_HEARTBEATS", default=True)
# Bytes of a request's body.
MAX_BODY_BYTES = framing.MAX_BODY_BYTES
MAX_BULK_BODY_BYTES = framing.MAX_BULK_BODY_BYTES

# --- Who may knock, and how often -----------------------------------------------------------

# Networks of the proxies before the registry, and "unix" for one at a Unix socket: they are
# believed about where a call comes from, and nobody else is.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# Set by the middleware of the proxies, and by nobody else.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Whether the registry is reached over TLS, which a proxy ends.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
# What watches the registry does it from close by, and past the proxy.
SECURE_REDIRECT_EXEMPT = [WATCHED]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
# Whether all hosts of its domain, and browsers' lists, are for TLS only is not the registry's to
# say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The database keeps a hash of a session's key, so that who reads it cannot use the session.
SESSION_ENGINE = "registry_project.security.sessions"
SESSION_COOKIE_AGE = 12 * 3600

# What pages may load and do; registry_project.security.content_policy has the exceptions.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}

AUTHENTICATION_BACKENDS = ["registry_project.security.logins.GuardedBackend"]
# A name is locked for an address, and not for all: nobody can lock an operator out from elsewhere.
# Wrong passwords are counted in the database, for all processes together.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=5)
LOGIN_COOLOFF_MINUTES = env.int("LOGIN_COOLOFF_MINUTES", default=15)
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_COOLOFF_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "registry_project.security.logins.locked_out"
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "registry_project.security.logins.name_to_record"
# Some type their password where their name belongs.
AXES_SENSITIVE_PARAMETERS = ["username"]


def in_token_mode(rate: str) -> str:
    """Return the rate, or "off" where everybody may do everything."""
    return "off" if REGISTRY_AUTH == "open" else rate


# Rates such as "300/second" or "20/minute"; "off" for none. Those of tokens have room for a fleet
# of 100,000 that starts all at once.
RATE_REGISTER_PER_TOKEN = env.str("RATE_REGISTER_PER_TOKEN", default=in_token_mode("1000/second"))
RATE_REGISTER_PER_ADDRESS = env.str(
    "RATE_REGISTER_PER_ADDRESS", default=in_token_mode("1000/second")
)
RATE_REGISTER_PER_AGENT = env.str("RATE_REGISTER_PER_AGENT", default=in_token_mode("30/minute"))
RATE_READ_PER_TOKEN = env.str("RATE_READ_PER_TOKEN", default=in_token_mode("300/second"))
RATE_READ_PER_ADDRESS = env.str("RATE_READ_PER_ADDRESS", default=in_token_mode("300/second"))
RATE_DEREGISTER_PER_TOKEN = env.str(
    "RATE_DEREGISTER_PER_TOKEN", default=in_token_mode("1000/second")
)
RATE_DEREGISTER_PER_ADDRESS = env.str(
    "RATE_DEREGISTER_PER_ADDRESS", default=in_token_mode("1000/second")
)
RATE_HEARTBEAT_PER_AGENT = env.str("RATE_HEARTBEAT_PER_AGENT", default=in_token_mode("10/second"))
RATE_WRONG_TOKENS_PER_ADDRESS = env.str("RATE_WRONG_TOKENS_PER_ADDRESS", default="30/minute")
RATE_WRONG_LOGINS_PER_ADDRESS = env.str("RATE_WRONG_LOGINS_PER_ADDRESS", default="50/hour")

# --- Celery ---------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost")
# Where the processes count together; each counts for itself unless it is a Redis.
RATE_STORE_URL = env.str("RATE_STORE_URL", default=CELERY_BROKER_URL)
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
    "delete-old-history": {
        "task": "agents.delete_old_history",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
}

# --- API ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # The first one's challenge (WWW-Authenticate) goes with every 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "agents.api.authentication.AccessTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": ["agents.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["agents.api.throttling.RateThrottle"],
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
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "agents.api.documentation.tell_what_needs_no_token",
        "agents.api.documentation.tell_what_has_a_rate",
    ],
    "SERVE_AUTHENTICATION": [],
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
# The largest form that the web server waits for.
DATA_UPLOAD_MAX_MEMORY_SIZE = framing.MAX_FORM_BYTES
DEFAULT_EXCEPTION_REPORTER_FILTER = "registry_project.security.error_reports.ReportFilter"
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
    # agents.database.availability logs a missing database now and then, not once a request.
    "filters": {
        "no_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) != 503,  # noqa: PLR2004
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # An agent that has to register again is no news, and a fleet of them would be a flood.
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["no_503"]},
        # Wrong passwords and locks; what it does about them otherwise is in the database.
        "axes": {"level": "WARNING"},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
