"""Agents in any state; tests of registering itself use the API or `leases` instead."""

from datetime import timedelta

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, Trait
from factory.django import DjangoModelFactory

from agents.models import AgentRecord


class AgentFactory(DjangoModelFactory[AgentRecord]):
    """An agent whose last heartbeat is now, or an hour ago with ``expired=True``."""

    class Meta:
        model = AgentRecord

    class Params:
        expired = Trait(last_heartbeat=LazyFunction(lambda: timezone.now() - timedelta(hours=1)))

    agent_id = Sequence(lambda number: f"agent-{number:04}")
    agent_name = LazyAttribute(lambda agent: agent.agent_id)
    host = "agents.example"
    port = 8000
    ttl_seconds = 60
    last_heartbeat = LazyFunction(timezone.now)
    registered_at = SelfAttribute("last_heartbeat")
    generation = Sequence(lambda number: number + 1)
