"""The registry as an ASGI application."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")

application = get_asgi_application()

# Behind it, since models want the settings. Wherever this module is loaded, a web is at work.
from agents.uptime import pulse_in_background  # noqa: E402

pulse_in_background()
