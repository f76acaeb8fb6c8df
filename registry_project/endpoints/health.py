"""How the registry itself is: for orchestrators, load balancers and people."""

from typing import Any

from django.db import connection
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.api.documentation import answers
from agents.api.errors import RETRY_AFTER_SECONDS
from agents.database.availability import UNAVAILABLE, tell_unavailable
from agents.leases.purge.sweeps import report_sweeps
from agents.metrics.shared_counts import SharedCount
from agents.models import AgentRecord

FLEET = SharedCount(AgentRecord.objects.count_fleet, lambda fleet: fleet.registered)


class Probe(APIView):
    """Asks for no login, so that it reads no session, and answers nothing but JSON."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]


def _shape(name: str, *statuses: str, **fields: serializers.Field[Any, Any, Any, Any]) -> Any:
    return inline_serializer(name, {"status": serializers.ChoiceField(statuses), **fields})


class FleetHealth(Probe):
    @extend_schema(
        operation_id="health",
        summary="How many agents there are",
        description="Counted when it is asked for; in a fleet of 10,000 and more, at most once a "
        "second, or once in five seconds with half a million, and told to all who ask meanwhile.",
        responses=answers(
            _200=_shape(
                "Health",
                "healthy",
                registered_agents=serializers.IntegerField(),
                active_agents=serializers.IntegerField(),
            )
        ),
    )
    def get(self, _request: Request) -> Response:
        count = FLEET.get()
        return Response(
            {
                "status": "healthy",
                "registered_agents": count.registered,
                "active_agents": count.active,
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
        description="503 when the database is away. A sweep that is overdue is told, and how many "
        "expired agents the last one kept, because too many expired at once; but the registry is "
        "ready all the same: what is expired is not listed.",
        responses={
            200: _shape(
                "Readiness",
                "ready",
                database=serializers.ChoiceField([connection.vendor]),
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
            tell_unavailable(error)
            return Response(
                {"status": "unready", "reason": "the database does not answer"},
                status=503,
                headers={"Retry-After": RETRY_AFTER_SECONDS},
            )
        return Response(
            {
                "status": "ready",
                "database": connection.vendor,
                "last_purge": sweeps.last_purge,
                "purge_overdue": sweeps.overdue,
                "purge_held": sweeps.held,
            }
        )
