"""Shows the dashboard in the viewer's time zone, which time_zone.js puts into a cookie."""

from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

COOKIE = "time_zone"
PAGES = "/admin"


class ViewersTimeZone:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(COOKIE) if request.path_info.startswith(PAGES) else None
        zone = named_zone(name) if name else None
        if zone is None:
            return self._get_response(request)
        with timezone.override(zone):
            return self._get_response(request)


@lru_cache(maxsize=1024)
def named_zone(name: str) -> tzinfo | None:
    return ZoneInfo(name) if name in available_timezones() else None
