from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.api.documentation import answers
from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.database.dialect import dialect
from agents.leases.fleet.last_count import recent_count
from agents.leases.purge.sweep_mark import report_sweeps
from agents.problems.errors import RETRY_AFTER_SECONDS
from registry_project.version import VERSION


class Probe(APIView):
    """Needs no login or session, and answers in JSON alone."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]


def _shape(name: str, *statuses: str, **fields: serializers.Field[Any, Any, Any, Any]) -> Any:
    return inline_serializer(name, {"status": serializers.ChoiceField(statuses), **fields})


class FleetHealth(Probe):
    @extend_schema(
        operation_id="health",
        summary="How many agents there are, and the registry's version",
        description="Fleets below 10,000 agents are counted for each call. The count of a larger "
        "one is shared for seconds, at most a minute; `count_age_seconds` is its age.",
        responses=answers(
            _200=_shape(
                "Health",
                "healthy",
                registered_agents=serializers.IntegerField(),
                active_agents=serializers.IntegerField(),
                count_age_seconds=serializers.FloatField(),
                version=serializers.CharField(),
            )
        ),
    )
    def get(self, _request: Request) -> Response:
        count = recent_count()
        return Response(
            {
                "status": "healthy",
                "registered_agents": count.registered,
                "active_agents": count.active,
                "count_age_seconds": round(count.age, 1),
                "version": VERSION,
            }
        )


class Liveness(Probe):
    @extend_schema(
        operation_id="health_live",
        summary="Whether the process answers",
        responses={200: _shape("Liveness", "alive")},
    )
    def get(self, _request: Request) -> Response:
        return Response({"status": "alive"})


class Readiness(Probe):
    @extend_schema(
        operation_id="health_ready",
        summary="Whether the registry can do its work",
        description="503 when the database is away. An overdue sweep, or expired agents that the "
        "last sweep kept because too many expired at once, are reported, but the registry is ready "
        "all the same: expired agents are never listed.",
        responses={
            200: _shape(
                "Readiness",
                "ready",
                database=serializers.ChoiceField([dialect.name.lower()]),
                last_purge=serializers.DateTimeField(allow_null=True),
                purge_overdue=serializers.BooleanField(),
                purge_held=serializers.IntegerField(),
            ),
            503: _shape("Unreadiness", "unready", reason=serializers.CharField()),
        },
    )
    def get(self, _request: Request) -> Response:
        try:
            sweeps = report_sweeps()
        except UNAVAILABLE as error:
            log_unavailable(error)
            return Response(
                {"status": "unready", "reason": "the database does not answer"},
                status=503,
                headers={"Retry-After": RETRY_AFTER_SECONDS},
            )
        return Response(
            {
                "status": "ready",
                "database": dialect.name.lower(),
                "last_purge": sweeps.last_purge,
                "purge_overdue": sweeps.overdue,
                "purge_held": sweeps.held,
            }
        )
