import warnings
from http import HTTPStatus
from pathlib import Path

from registry_project.server import framing
from registry_project.settings.base import BASE_DIR, VAR_DIR, env

# Only the address to which an OpenID provider sends people back is built from the Host header.
# The provider compares it with those that it knows.
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["*"])

INSTALLED_APPS = [
    # The URLs load its pages: programs without any start in half the time.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "registry_project.static_files.StaticFiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "registry_project.apps.LoginsConfig",
    "csp",
    "corsheaders",
    "registry_project",
    "agents",
    "deploygen",
]

MIDDLEWARE = [
    # First: without its headers, browsers hide even errors.
    "registry_project.security.cross_origin.CrossOrigin",
    "registry_project.security.proxies.TrustedProxies",
    "registry_project.endpoints.hosts.Hosts",
    # Before those that may answer by themselves.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "registry_project.security.content_policy.ContentPolicy",
    "django.middleware.security.SecurityMiddleware",
    "registry_project.compression.CompressedPages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "agents.admin.time_zone.ViewersTimeZone",
    "registry_project.endpoints.error_pages.RefusedMethods",
    "registry_project.security.kept_forms.KeptForms",
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
            "libraries": {
                "times": "agents.admin.widgets.times",
                "undo": "agents.admin.widgets.undo",
                "roles": "registry_project.security.permissions",
            },
        },
    },
]

# Finds our templates of widgets.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DATA_UPLOAD_MAX_MEMORY_SIZE = framing.MAX_FORM_BYTES
# Of texts that are kept. The dashboard shows the viewer's.
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["registry_project.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(VAR_DIR / "static")))
# Without it, files are served under their own names.
warnings.filterwarnings("ignore", "No directory at", module="whitenoise|django")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "registry_project.static_files.Storage"},
}
WHITENOISE_USE_FINDERS = True
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    # agents.database.availability logs outages.
    "filters": {
        "no_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: (
                getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE
            ),
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        # Agents that must register again would flood the log with 404s.
        "django.request": {"level": "ERROR", "filters": ["no_503"]},
        "httpx": {"level": "WARNING"},
        # Lines of the SDK about each request.
        "mcp": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
    "root": {"handlers": ["console"], "level": env.choice("LOG_LEVEL", "INFO", LOG_LEVELS)},
}
