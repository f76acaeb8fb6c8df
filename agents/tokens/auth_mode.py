"""Whether the registry asks for tokens (REGISTRY_AUTH)."""

from django.conf import settings


def is_open() -> bool:
    """Whether everybody may do everything; any value but "open" means no."""
    return bool(settings.REGISTRY_AUTH == "open")
