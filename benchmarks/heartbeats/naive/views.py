from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from benchmarks.heartbeats.naive.models import Agent


class AgentSerializer(serializers.ModelSerializer[Agent]):
    class Meta:
        model = Agent
        fields = "__all__"


class AgentViewSet(ModelViewSet[Agent]):
    queryset = Agent.objects.all()
    serializer_class = AgentSerializer

    @action(detail=True, methods=["post"])
    def heartbeat(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        agent = self.get_object()
        agent.last_heartbeat = timezone.now()
        agent.save()
        return Response(self.get_serializer(agent).data)
