"""Include them before the admin's."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.module_loading import import_string


def _path(route: str, view: str, name: str) -> URLPattern:
    """`view`: its module and name. The first request imports the generator, not each start."""

    def loaded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        response: HttpResponse = import_string(f"{__package__}.{view}")(request, **arguments)
        return response

    return path(route, admin.site.admin_view(loaded), name=name)


urlpatterns = [
    _path("", "form.page", "create-agent"),
    _path("preview/", "form.preview", "create-agent-preview"),
    _path("<str:agent_id>/", "waiting.page", "create-agent-created"),
    _path("<str:agent_id>/zip/", "waiting.archive", "create-agent-zip"),
    _path("<str:agent_id>/now/", "waiting.now", "create-agent-now"),
]
