"""The registry's URLs, and views that fail."""

from typing import NoReturn

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.urls import path

from registry_project import urls
from registry_project.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def fail(_request: HttpRequest) -> NoReturn:
    raise RuntimeError("a secret detail")


def suspect(_request: HttpRequest) -> NoReturn:
    raise SuspiciousOperation("a secret detail")


urlpatterns = [
    path("admin/failing/", fail),
    path("failing/", fail),
    path("admin/suspicious/", suspect),
    path("suspicious/", suspect),
    *urls.urlpatterns,
]
