from django.conf import settings


def is_open() -> bool:
    """Whether tokens are optional; any value but "open" means no."""
    return bool(settings.REGISTRY_AUTH == "open")
