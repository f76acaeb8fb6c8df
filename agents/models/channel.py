from datetime import datetime

from django.db import models
from django.db.models import Q

from agents.models.limits import (
    MAX_ACTOR_LENGTH,
    MAX_ANSWER_LENGTH,
    MAX_CHANNEL_NAME_LENGTH,
    MAX_ID_LENGTH,
    MAX_URL_LENGTH,
)
from agents.states import Described, Entry, Level


class Channel(models.Model):
    """Where notifications go. `agents.notifications` writes what people do not enter."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        APPRISE = "apprise", "Apprise"

    class State(Described):
        """Not stored."""

        OK = Entry(value="ok", level=Level.OK)
        MUTED = Entry(value="muted", level=Level.HOLD)
        FAILING = Entry(value="failing", level=Level.BAD)
        DISABLED = Entry(value="disabled", level=Level.ISOLATED)

    name = models.CharField(max_length=MAX_CHANNEL_NAME_LENGTH, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    encrypted_url = models.TextField(help_text="URLs of services contain passwords and tokens.")
    shown_url = models.CharField(
        max_length=MAX_URL_LENGTH, help_text="The URL without its secrets."
    )
    encrypted_secret = models.TextField(blank=True, help_text="Signs webhooks.")
    encrypted_old_secret = models.TextField(
        blank=True, help_text="Signs webhooks too, until receivers know the new one."
    )
    old_secret_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)

    is_enabled = models.BooleanField("enabled", default=True)
    disabled_reason = models.CharField(max_length=MAX_ANSWER_LENGTH, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)

    failures = models.PositiveIntegerField(default=0, help_text="Since the last success.")
    failing_since = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is sent before this time."
    )
    last_error = models.CharField(max_length=MAX_ANSWER_LENGTH, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)

    holder = models.CharField(max_length=36, blank=True, help_text="The worker that delivers.")
    held_until = models.DateTimeField(null=True, blank=True)

    delivered_total = models.PositiveBigIntegerField(default=0)
    given_up_total = models.PositiveBigIntegerField(default=0)
    failures_total = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "notification channel"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(old_secret_until=None) | ~Q(encrypted_old_secret=""),
                name="channel_old_secret_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(failing_since=None) | Q(failures__gt=0),
                name="channel_fails_since_a_failure",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until is not None and now < self.muted_until

    def state(self, now: datetime) -> State:
        if not self.is_enabled:
            return self.State.DISABLED
        if self.is_muted(now):
            return self.State.MUTED
        return self.State.FAILING if self.failures else self.State.OK


class Delivery(models.Model):
    """One message to one channel. Each attempt sends the same body."""

    class State(Described):
        WAITING = Entry(value="waiting", level=Level.WARN)
        DELIVERED = Entry(value="delivered", level=Level.OK)
        GIVEN_UP = Entry(value="given-up", level=Level.BAD)
        MUTED = Entry(value="muted", level=Level.HOLD)

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="deliveries")
    rule_name = models.CharField(max_length=MAX_CHANNEL_NAME_LENGTH, blank=True)
    agent_id = models.CharField(
        max_length=MAX_ID_LENGTH,
        blank=True,
        help_text="Empty for summaries and the registry's own events.",
    )
    message_id = models.CharField(max_length=64, help_text="The same at each attempt.")
    type = models.CharField(max_length=64)
    body = models.TextField(help_text="JSON.")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Empty: at once.")
    first_failed_at = models.DateTimeField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=MAX_ANSWER_LENGTH, blank=True)

    class Meta:
        verbose_name = "notification delivery"
        verbose_name_plural = "notification deliveries"
        indexes = [
            models.Index(
                fields=["channel", "id"],
                condition=Q(state="waiting"),
                name="delivery_waiting",
            ),
            models.Index(fields=["created_at"], name="delivery_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"
