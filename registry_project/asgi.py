import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")

application = get_asgi_application()

from agents.background import start_background_thread  # noqa: E402
from registry_project.postgresql.connection import limit_waiting  # noqa: E402

limit_waiting(settings.DATABASE_TIMEOUT_SECONDS)

start_background_thread()
