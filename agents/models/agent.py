from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agents.lease_times import LeaseTimes
from agents.models.limits import (
    DEFAULT_TTL_SECONDS,
    MAX_HOST_LENGTH,
    MAX_ID_LENGTH,
    MAX_NAME_LENGTH,
    MAX_NOTE_LENGTH,
    MAX_PORT,
    MAX_TTL_SECONDS,
    MAX_VERSION_LENGTH,
    SHORT_TTL_SECONDS,
    TOKEN_KEY_LENGTH,
)
from agents.querysets import AgentQuerySet
from agents.states import State, Status


class AgentRecord(LeaseTimes, models.Model):
    """Only `agents.leases` writes it.

    No foreign key may point here, and no signal may listen to deletions: Django would then delete
    rows by id, even agents that renewed after it had selected them.
    """

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
        max_length=16, choices=State, default=State.ACTIVE, help_text="Set by an operator."
    )
    status = models.CharField(
        max_length=16, choices=Status, default=Status.UNKNOWN, help_text="Reported by the agent."
    )
    load = models.FloatField(
        null=True, blank=True, help_text="From 0 (idle) to 1, as reported by the agent."
    )
    note = models.CharField(max_length=MAX_NOTE_LENGTH, blank=True)
    seen_address = models.GenericIPAddressField(
        null=True,
        blank=True,
        help_text="The address from which its last registration or heartbeat came.",
    )

    # No foreign key: deleting a token must not delete agents. `db_default`: processes of the
    # previous version do not write this column.
    enrolled_by = models.CharField(
        max_length=TOKEN_KEY_LENGTH,
        blank=True,
        db_default="",
        db_index=True,
        help_text="The access token that it registered with; empty if none was needed.",
    )

    # Not a flag: the clock says who has expired. Heartbeats do not write it.
    recorded_expiry = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The end of the lease, if the history has it as expired and not as recovered.",
    )

    objects = AgentQuerySet.as_manager()

    class Meta:
        verbose_name = "agent"
        indexes = [
            models.Index(
                fields=["state"],
                condition=~Q(state=State.ACTIVE),
                name="agent_not_active",
            ),
            models.Index(
                fields=["agent_id"],
                condition=Q(recorded_expiry__isnull=False),
                name="agent_recorded_expiry",
            ),
            models.Index(
                fields=["ttl_seconds"],
                condition=Q(ttl_seconds__lt=SHORT_TTL_SECONDS),
                name="agent_short_ttl",
            ),
        ]
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

    def is_alive(self, now: datetime | None = None) -> bool:
        """`now` defaults to this host's clock."""
        return (now or timezone.now()) < self.expires_at
