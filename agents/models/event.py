from django.db import models
from django.db.models import Q

from agents.actors import STAFF, TOKEN
from agents.models.limits import MAX_ACTOR_LENGTH, MAX_ID_LENGTH, MAX_REASON_LENGTH
from agents.states import BY_OPERATION, Level

BY_STAFF = Q(actor__startswith=STAFF)
BY_TOKEN = Q(actor__startswith=TOKEN, kind__in=["registered", "re-registered"])
HAS_LAST_RECORD = Q(record__isnull=False)


class AgentEvent(models.Model):
    """Only `agents.history.record` writes it. No foreign key: events outlive the agent.

    Without `agent_id`, it concerns the registry.
    """

    class Kind(models.TextChoices):
        _ignore_ = "state"

        REGISTERED = "registered"
        RE_REGISTERED = "re-registered", "Re-registered"
        REFUSED = "refused"
        EXPIRED = "expired"
        RECOVERED = "recovered"
        PURGED = "purged"
        DEREGISTERED = "deregistered"
        for state in BY_OPERATION:  # DRAINED, QUARANTINED, RESUMED
            vars()[state.event.upper()] = state.event
        EXTENDED = "extended"
        PROBE_FAILED = "probe-failed", "Probe failed"
        PROBE_RECOVERED = "probe-recovered", "Probe recovered"
        MUTED = "muted"
        UNMUTED = "unmuted"
        TRIED = "tried"
        PURGE_HELD = "purge-held", "Purge held"
        PURGE_RESUMED = "purge-resumed", "Purge resumed"
        PURGE_FORCED = "purge-forced", "Purge forced"
        TOKEN_ISSUED = "token-issued", "Token issued"
        TOKEN_REVOKED = "token-revoked", "Token revoked"
        CHANNEL_DISABLED = "channel-disabled", "Channel disabled"

    agent_id = models.CharField(max_length=MAX_ID_LENGTH, blank=True)
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField()
    generation = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    actor = models.CharField(
        max_length=MAX_ACTOR_LENGTH,
        help_text="Who did it: agent, token:KEY, anybody, registry, sweep, probe, command, or "
        "admin:NAME.",
    )
    address = models.GenericIPAddressField(null=True, blank=True)
    record = models.JSONField(
        null=True, blank=True, help_text="The agent's last record, if the event ended it."
    )

    class Meta:
        verbose_name = "event"
        indexes = [
            models.Index(
                fields=["agent_id", "id"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="event_agent_prefix",
            ),
            models.Index(fields=["at"], name="event_at"),
            models.Index(fields=["id"], condition=BY_STAFF, name="event_by_staff"),
            models.Index(fields=["actor", "id"], condition=BY_TOKEN, name="event_by_token"),
            models.Index(fields=["at"], condition=HAS_LAST_RECORD, name="event_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.kind}"

    @property
    def level(self) -> Level | None:
        return LEVELS.get(self.kind)


LEVELS: dict[str, Level] = {
    AgentEvent.Kind.REGISTERED: Level.OK,
    AgentEvent.Kind.REFUSED: Level.BAD,
    AgentEvent.Kind.EXPIRED: Level.BAD,
    AgentEvent.Kind.RECOVERED: Level.OK,
    AgentEvent.Kind.PROBE_FAILED: Level.WARN,
    AgentEvent.Kind.PROBE_RECOVERED: Level.OK,
    AgentEvent.Kind.PURGE_HELD: Level.WARN,
    AgentEvent.Kind.PURGE_FORCED: Level.WARN,
    AgentEvent.Kind.CHANNEL_DISABLED: Level.BAD,
    **{AgentEvent.Kind(state.event): state.level for state in BY_OPERATION},
}
