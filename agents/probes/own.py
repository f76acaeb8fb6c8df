from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from agents.outbound.endpoints import Endpoints

PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}
POSTGRESQL_PORT = 5432


def own_endpoints() -> Endpoints:
    """Return the endpoints of the registry, its database and its broker."""
    urls = (settings.REGISTRY_URL, settings.CELERY_BROKER_URL, settings.RATE_STORE_URL)
    places = [
        (parts.hostname, parts.port or PORTS[parts.scheme])
        for parts in map(urlsplit, urls)
        if parts.hostname and parts.scheme in PORTS
    ]
    database = connection.settings_dict
    if host := database.get("HOST"):
        places.append((host, int(database.get("PORT") or POSTGRESQL_PORT)))
    return Endpoints.resolve(places)
