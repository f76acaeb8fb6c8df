"""Agents for tests, in whatever state; tests of how they get there register them instead."""

from datetime import timedelta

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, Trait
from factory.django import DjangoModelFactory

from agents.models import AgentRecord


class AgentFactory(DjangoModelFactory[AgentRecord]):
    """An agent that has just sent a heartbeat; with ``expired=True``, an hour ago."""

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
