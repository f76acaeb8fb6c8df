"""The records: the agents, what happened to them, and when the sweeper came by."""

from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agents.querysets import AgentQuerySet

MAX_ID_LENGTH = 255
MAX_NAME_LENGTH = 256
MAX_HOST_LENGTH = 256
MAX_NOTE_LENGTH = 256
MAX_VERSION_LENGTH = 64
MAX_PORT = 65_535
DEFAULT_TTL_SECONDS = 60
MAX_TTL_SECONDS = 86_400


class AgentRecord(models.Model):
    """An agent and its lease. Written by `agents.leases` alone.

    Nothing may refer to it by a foreign key, and no signal may listen to its deletion: either
    would have Django choose the rows of a purge first and delete them afterwards by their ids,
    and an agent that renews in between would be lost.
    """

    class State(models.TextChoices):
        """The operator's word about the agent."""

        ACTIVE = "active"
        DRAINING = "draining"
        QUARANTINED = "quarantined"

    class Status(models.TextChoices):
        """The agent's own word about itself."""

        UNKNOWN = "unknown"
        STARTING = "starting"
        READY = "ready"
        BUSY = "busy"
        DEGRADED = "degraded"
        DRAINING = "draining"

    agent_id = models.CharField(primary_key=True, max_length=MAX_ID_LENGTH)
    agent_name = models.CharField(max_length=MAX_NAME_LENGTH)
    host = models.CharField(max_length=MAX_HOST_LENGTH)
    port = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    )
    last_heartbeat = models.DateTimeField()
    ttl_seconds = models.PositiveIntegerField(
        default=DEFAULT_TTL_SECONDS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TTL_SECONDS)],
    )
    metadata = models.JSONField(default=dict, blank=True)
    registered_at = models.DateTimeField()

    generation = models.BigIntegerField(
        help_text="Which registration holds the lease: the number of its event, which only grows."
    )
    version = models.CharField(max_length=MAX_VERSION_LENGTH, blank=True)
    tags = models.JSONField(default=list, blank=True)
    skills = models.JSONField(default=list, blank=True)
    state = models.CharField(
        max_length=16, choices=State, default=State.ACTIVE, help_text="The operator's word."
    )
    status = models.CharField(
        max_length=16, choices=Status, default=Status.UNKNOWN, help_text="The agent's own word."
    )
    load = models.FloatField(null=True, blank=True, help_text="0 (idle) to 1, by its own word.")
    note = models.CharField(max_length=MAX_NOTE_LENGTH, blank=True)
    seen_address = models.GenericIPAddressField(
        null=True, blank=True, help_text="Where its last registration or heartbeat came from."
    )

    objects = AgentQuerySet.as_manager()

    class Meta:
        verbose_name = "agent"
        constraints = [
            models.CheckConstraint(
                condition=Q(port__gte=1, port__lte=MAX_PORT), name="agent_port_is_a_port"
            ),
            models.CheckConstraint(
                condition=Q(ttl_seconds__gte=1, ttl_seconds__lte=MAX_TTL_SECONDS),
                name="agent_ttl_seconds_within_a_day",
            ),
            models.CheckConstraint(
                condition=Q(load__isnull=True) | Q(load__gte=0, load__lte=1),
                name="agent_load_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return self.agent_id

    @property
    def expires_at(self) -> datetime:
        """When the lease ends, unless a heartbeat comes before."""
        return self.last_heartbeat + timedelta(seconds=self.ttl_seconds)

    @property
    def heartbeat_interval(self) -> float:
        """Seconds between two heartbeats that the registry asks for: a third of the TTL."""
        return round(self.ttl_seconds / 3, 3)

    def is_alive(self, now: datetime | None = None) -> bool:
        """Whether the lease lasts at `now`; without it, by this host's clock.

        Where it matters the database is asked instead, by its own clock: `AgentQuerySet.alive`.
        """
        return (now or timezone.now()) < self.expires_at


class AgentEvent(models.Model):
    """Something that happened to an agent. Events outlive the agent: no foreign key."""

    class Kind(models.TextChoices):
        REGISTERED = "registered"
        RE_REGISTERED = "re-registered", "Re-registered"
        REFUSED = "refused"
        EXPIRED = "expired"
        PURGED = "purged"
        DEREGISTERED = "deregistered"
        DRAINED = "drained"
        QUARANTINED = "quarantined"
        RESUMED = "resumed"

    agent_id = models.CharField(max_length=MAX_ID_LENGTH)
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField()
    generation = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=256, blank=True)
    actor = models.CharField(
        max_length=160, help_text="Who did it: agent, sweep, command, or admin:NAME."
    )
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = "event"
        indexes = [
            models.Index(fields=["agent_id", "id"], name="event_agent_id_id"),
            models.Index(fields=["at"], name="event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.kind}"


class SweepMark(models.Model):
    """When the expired were last purged: one row, so that a sweeper that died is noticed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    purged = models.PositiveIntegerField(help_text="How many agents that sweep purged.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sweep_mark_is_a_single_row")]

    def __str__(self) -> str:
        return f"swept at {self.at}"
