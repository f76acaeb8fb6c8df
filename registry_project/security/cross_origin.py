"""CORS: websites whose pages may call the API, by CORS_ALLOWED_ORIGINS."""

from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed


class CrossOrigin(CorsMiddleware):
    """django-cors-headers' middleware, which is left out where no website is allowed.

    It would add to Vary, and answer OPTIONS, all the same.
    """

    def __init__(self, get_response: Any) -> None:
        if not settings.CORS_ALLOWED_ORIGINS:
            raise MiddlewareNotUsed
        super().__init__(get_response)
