from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed


class CrossOrigin(CorsMiddleware):
    """Without allowed websites, it would only add to Vary, and answer OPTIONS."""

    def __init__(self, get_response: Any) -> None:
        if not settings.CORS_ALLOWED_ORIGINS:
            raise MiddlewareNotUsed
        super().__init__(get_response)
