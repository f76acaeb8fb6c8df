from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from agents.models.channel import Channel
from agents.models.limits import (
    MAX_CHANNEL_NAME_LENGTH,
    MAX_FOR_SECONDS,
    MAX_ID_LENGTH,
    MAX_SUMMARY_ABOVE,
    MAX_SUMMARY_SECONDS,
    MAX_VIEW_QUERY_LENGTH,
)


class Rule(models.Model):
    """Which events notify which channels."""

    name = models.CharField(max_length=MAX_CHANNEL_NAME_LENGTH, unique=True)
    is_enabled = models.BooleanField("enabled", default=True)
    channels = models.ManyToManyField(Channel, related_name="rules")
    events = models.JSONField(default=list, help_text="Kinds of events.")
    filter = models.CharField(
        max_length=MAX_VIEW_QUERY_LENGTH, blank=True, help_text="The API's list parameters."
    )
    for_seconds = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(MAX_FOR_SECONDS)]
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    summary_above = models.PositiveIntegerField(
        null=True, blank=True, default=10, validators=[MaxValueValidator(MAX_SUMMARY_ABOVE)]
    )
    summary_seconds = models.PositiveIntegerField(
        default=30, validators=[MaxValueValidator(MAX_SUMMARY_SECONDS)]
    )
    begins_after = models.BigIntegerField(
        help_text="The rule applies to events after this position in the feed."
    )
    # End of the current window, in which messages are counted.
    window_until = models.DateTimeField(null=True, blank=True, editable=False)
    window_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = "notification rule"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="rule_quiet_hours_begin_and_end",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def quiet_end(self, now: datetime) -> datetime | None:
        """Return when the current quiet hours end, or None."""
        if self.quiet_from is None or self.quiet_until is None:
            return None
        zone = ZoneInfo(self.time_zone)
        local = now.astimezone(zone)
        for days in (-1, 0):
            day = local.date() + timedelta(days=days)
            begin = datetime.combine(day, self.quiet_from, zone)
            over_midnight = timedelta(days=self.quiet_until <= self.quiet_from)
            end = datetime.combine(day + over_midnight, self.quiet_until, zone)
            # Aware datetimes of one zone would be compared by the wall clock.
            if begin.timestamp() <= now.timestamp() < end.timestamp():
                return end
        return None


class HeldEvent(models.Model):
    """An event that matches a rule and is not sent yet."""

    class Why(models.TextChoices):
        LASTING = "lasting", "whether it lasts"
        SUMMARY = "summary", "many events at once"
        QUIET = "quiet", "quiet hours"

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="held")
    number = models.BigIntegerField(help_text="The number of the event.")
    agent_id = models.CharField(max_length=MAX_ID_LENGTH, blank=True)
    kind = models.CharField(max_length=16)
    why = models.CharField(max_length=16, choices=Why)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="event_is_held_once"),
        ]
        indexes = [models.Index(fields=["due_at"], name="held_event_due_at")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.agent_id}"


class DispatchMark(models.Model):
    """The event up to which rules have been applied. One row, whose lock the dispatcher holds."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="dispatch_mark_is_a_single_row")
        ]

    def __str__(self) -> str:
        return f"dispatched up to {self.position}"
