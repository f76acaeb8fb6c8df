"""The records: agents, what happened to them, who may register, how the staff looks at them."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agents.actors import STAFF
from agents.lease_times import LeaseTimes
from agents.querysets import AccessTokenQuerySet, AgentQuerySet

MAX_ID_LENGTH = 255
MAX_NAME_LENGTH = 256
MAX_HOST_LENGTH = 256
MAX_NOTE_LENGTH = 256
MAX_VERSION_LENGTH = 64
MAX_TOKEN_NAME_LENGTH = 100
MAX_VIEW_NAME_LENGTH = 60
MAX_VIEW_QUERY_LENGTH = 2000
MAX_ACTOR_LENGTH = 160
MAX_REASON_LENGTH = 256
# An extension tells until when, and then why: "until 2026-03-01 12:00:00 UTC: ".
MAX_EXTENSION_REASON_LENGTH = 220
TOKEN_KEY_LENGTH = 12
MAX_PORT = 65_535
BY_STAFF = Q(actor__startswith=STAFF)
DEFAULT_TTL_SECONDS = 60
MAX_TTL_SECONDS = 86_400


class AgentRecord(LeaseTimes, models.Model):
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

    # The key of an access token, and no foreign key: a token that is deleted takes no agent along,
    # and deleting agents does not look for tokens. The default is the database's too, so that a
    # process of the version before this column can go on registering agents.
    enrolled_by = models.CharField(
        max_length=TOKEN_KEY_LENGTH,
        blank=True,
        db_default="",
        db_index=True,
        help_text="The access token that it registered with; none where everybody may register.",
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

    def is_alive(self, now: datetime | None = None) -> bool:
        """Whether the lease lasts at `now`; without it, by this host's clock.

        Where it matters the database is asked instead, by its own clock: `AgentQuerySet.alive`.
        """
        return (now or timezone.now()) < self.expires_at


class AgentEvent(models.Model):
    """Something that happened to an agent. Events outlive the agent: no foreign key.

    What happened to the whole registry, such as a purge that was held, has no `agent_id`.
    """

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
        EXTENDED = "extended"
        PURGE_HELD = "purge-held", "Purge held"
        PURGE_RESUMED = "purge-resumed", "Purge resumed"
        PURGE_FORCED = "purge-forced", "Purge forced"
        TOKEN_ISSUED = "token-issued", "Token issued"
        TOKEN_REVOKED = "token-revoked", "Token revoked"

    agent_id = models.CharField(max_length=MAX_ID_LENGTH, blank=True)
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField()
    generation = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    actor = models.CharField(
        max_length=MAX_ACTOR_LENGTH,
        help_text="Who did it: agent, token:KEY, registry, sweep, command, or admin:NAME.",
    )
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = "event"
        indexes = [
            # Of one agent, or of those whose ids begin alike, in whatever order PostgreSQL sorts.
            models.Index(
                fields=["agent_id", "id"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="event_agent_prefix",
            ),
            models.Index(fields=["at"], name="event_at"),
            # Few among the millions of agents and sweeps, whose events it costs nothing.
            models.Index(fields=["id"], condition=BY_STAFF, name="event_by_staff"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.kind}"


class SweepMark(models.Model):
    """When the expired were last purged: one row, so that a sweeper that died is noticed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    purged = models.PositiveIntegerField(help_text="How many agents that sweep purged.")
    held = models.PositiveIntegerField(
        db_default=0, help_text="How many it left, since too many expired at once."
    )
    purged_in_total = models.PositiveBigIntegerField(
        db_default=0, help_text="How many agents all sweeps have purged."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sweep_mark_is_a_single_row")]

    def __str__(self) -> str:
        return f"swept at {self.at}"


class Uptime(models.Model):
    """Since when the registry has been taking heartbeats without a break: one row.

    An agent that could not reach the registry is not to blame: what it missed before `up_since`
    does not count when leases are purged.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    up_since = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When a web process was last at work.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="uptime_is_a_single_row")]

    def __str__(self) -> str:
        return f"up since {self.up_since}"


class ActivityMinute(models.Model):
    """How much happened within a minute: a row for each in which anything did.

    Written by `agents.history.activity` alone. Web processes count the heartbeats they answer; the
    rest is counted from the events of that minute.
    """

    minute = models.DateTimeField(primary_key=True, help_text="When it began, in whole minutes.")
    heartbeats = models.PositiveBigIntegerField(db_default=0, help_text="Leases renewed.")
    registrations = models.PositiveIntegerField(
        db_default=0, help_text="Of new agents, and again of known ones."
    )
    deregistrations = models.PositiveIntegerField(db_default=0)
    expiries = models.PositiveIntegerField(
        db_default=0, help_text="Leases that ended then, and were purged afterwards."
    )

    class Meta:
        verbose_name = "minute of activity"
        verbose_name_plural = "minutes of activity"

    def __str__(self) -> str:
        return f"activity of {self.minute}"


class ActivityMark(models.Model):
    """Which events are in the minutes of activity: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    settled = models.BigIntegerField(
        help_text="Up to this number all events are counted, and no others will appear."
    )
    counted_at = models.DateTimeField(help_text="When events were last looked for.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="activity_mark_is_a_single_row")
        ]

    def __str__(self) -> str:
        return f"events counted up to {self.settled}"


class AccessToken(models.Model):
    """What lets somebody register agents, read about them, or both. Written by `access_tokens`.

    The token itself is shown once, when it is issued: ``art_KEY_SECRET``, a prefix that scanners
    for leaked secrets can find. Of the secret, which is random and long, only a hash is kept.
    """

    class State(models.TextChoices):
        """Not kept: it follows from the time."""

        GOOD = "good"
        EXPIRED = "expired"
        REVOKED = "revoked"

    key = models.CharField(max_length=TOKEN_KEY_LENGTH, unique=True, help_text="Its public part.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of its secret part.")
    name = models.CharField(max_length=MAX_TOKEN_NAME_LENGTH, help_text="What it is for.")
    may_register = models.BooleanField(default=True)
    may_read = models.BooleanField(default=False)
    agent_prefix = models.CharField(
        max_length=MAX_ID_LENGTH,
        blank=True,
        help_text="What the ids begin with that it may register; empty for all.",
    )
    max_agents = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many agents that are alive it may have at once."
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=MAX_ACTOR_LENGTH, blank=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="To the minute; it is not written for each call."
    )
    last_used_from = models.GenericIPAddressField(null=True, blank=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "access token"
        constraints = [
            models.CheckConstraint(
                condition=Q(may_register=True) | Q(may_read=True),
                name="token_is_good_for_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    @property
    def rights(self) -> list[str]:
        """What it is good for while it is good: register, read, or both."""
        rights = {"register": self.may_register, "read": self.may_read}
        return [right for right, has in rights.items() if has]

    @property
    def in_words(self) -> str:
        """What it is good for, as it goes on after "it may"."""
        said = []
        if self.may_register:
            which = f" whose ids begin with {self.agent_prefix}" if self.agent_prefix else ""
            most = "" if self.max_agents is None else f", {self.max_agents:,} alive at most,"
            said.append(f"register agents{which}{most}")
        if self.may_read:
            said.append("read about all agents")
        return " and ".join(said).removesuffix(",")

    def state(self, now: datetime) -> State:
        """Return whether it is good, revoked or expired at `now`: at exactly its end, expired."""
        if self.revoked_at is not None:
            return self.State.REVOKED
        lasts = self.expires_at is None or now < self.expires_at
        return self.State.GOOD if lasts else self.State.EXPIRED


class SavedView(models.Model):
    """A way to look at the list of agents, which the staff shares: what it is narrowed to."""

    name = models.CharField(max_length=MAX_VIEW_NAME_LENGTH, unique=True)
    query = models.CharField(
        max_length=MAX_VIEW_QUERY_LENGTH, blank=True, help_text="The list's parameters, encoded."
    )
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
