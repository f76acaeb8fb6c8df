"""The registry as an ASGI application."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")

application = get_asgi_application()

# Behind it, since models and a backend of a database want the settings.
from agents.leases.purge.registry_uptime import pulse_in_background  # noqa: E402
from registry_project.postgresql.base import limit_waiting  # noqa: E402

limit_waiting(settings.DATABASE_TIMEOUT_SECONDS)

# Wherever this module is loaded, a web process is at work.
pulse_in_background()
