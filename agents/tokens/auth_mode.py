from django.conf import settings


def is_open() -> bool:
    return bool(settings.REGISTRY_AUTH == "open")
