from typing import Any

from django.contrib import admin
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

READING = ["get", "head"]


class Document(SpectacularAPIView):
    """Takes no parameters: `version` would go into a header, Django would load any `lang`."""

    http_method_names = READING

    @extend_schema(exclude=True)
    def get(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        response: Response = self._get_schema_response(request)  # type: ignore[no-untyped-call]
        return response

    def _get_version_parameter(self, _request: Request) -> None:
        return None


class DocumentPage(SpectacularSwaggerSplitView):
    """Swagger UI as a page of the dashboard, with its header for staff who are logged in."""

    http_method_names = READING
    authentication_classes = [SessionAuthentication]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        if response.template_name == self.template_name:
            response.data |= admin.site.each_context(request)
            response.data["title"] = "API"
        return response
