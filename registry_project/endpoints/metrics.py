from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from agents.api.documentation import answers
from agents.api.permissions import MayRead
from registry_project.endpoints.exposition import exposition

TEXT = "text/plain"


class Metrics(APIView):
    permission_classes = [MayRead]
    renderer_classes = [JSONRenderer]

    def perform_content_negotiation(
        self,
        request: Request,  # noqa: ARG002
        force: Any = False,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        operation_id="metrics",
        summary="Metrics for Prometheus",
        description="In Prometheus' text format. While the database is away, web processes still "
        "report their counters, and `agent_registry_database_up` is 0.",
        responses={(200, TEXT): OpenApiTypes.STR, **answers(401, 403, 429)},
    )
    def get(self, _request: Request) -> HttpResponse:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
