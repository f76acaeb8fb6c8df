from datetime import datetime

from django.db import models
from django.db.models import Q

from agents.models.limits import (
    MAX_ACTOR_LENGTH,
    MAX_ID_LENGTH,
    MAX_TOKEN_NAME_LENGTH,
    TOKEN_KEY_LENGTH,
)
from agents.querysets import AccessTokenQuerySet
from agents.states import Described, Entry, Level


class AccessToken(models.Model):
    """The right to register agents, to read, and to operate agents.

    Only `agents.tokens` writes it.
    """

    class State(Described):
        """Not stored."""

        GOOD = Entry(value="good", level=Level.OK)
        EXPIRED = Entry(value="expired", level=Level.BAD)
        REVOKED = Entry(value="revoked", level=Level.BAD)

    key = models.CharField(max_length=TOKEN_KEY_LENGTH, unique=True, help_text="Its public part.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of its secret part.")
    name = models.CharField(max_length=MAX_TOKEN_NAME_LENGTH, help_text="What it is for.")
    may_register = models.BooleanField(default=True)
    may_read = models.BooleanField(default=False)
    # `db_default`: processes of the previous version do not write this column.
    may_operate = models.BooleanField(default=False, db_default=False)
    agent_prefix = models.CharField(
        max_length=MAX_ID_LENGTH,
        blank=True,
        help_text="The ids that it may register begin with this; empty for all.",
    )
    max_agents = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many of its agents may be alive at once."
    )
    family = models.CharField(
        max_length=TOKEN_KEY_LENGTH,
        blank=True,
        db_default="",
        help_text="Tokens of a family have each other's agents: the key of the first of them. "
        "Empty if nothing has replaced it, and it replaces nothing.",
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=MAX_ACTOR_LENGTH, blank=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="To the minute: not every call is written."
    )
    last_used_from = models.GenericIPAddressField(null=True, blank=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "access token"
        indexes = [
            models.Index(fields=["family"], condition=~Q(family=""), name="token_family"),
        ]
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
        rights = {"register": self.may_register, "read": self.may_read, "operate": self.may_operate}
        return [right for right, has in rights.items() if has]

    @property
    def in_words(self) -> str:
        """Completes "it may ..."."""
        rights = []
        if self.may_register:
            which = f" whose ids begin with {self.agent_prefix}" if self.agent_prefix else ""
            most = "" if self.max_agents is None else f", {self.max_agents:,} alive at most,"
            rights.append(f"register agents{which}{most}")
        if self.may_read:
            rights.append("read about all agents")
        if self.may_operate:
            rights.append("drain them")
        return " and ".join(rights).removesuffix(",")

    def state(self, now: datetime) -> State:
        if self.revoked_at is not None:
            return self.State.REVOKED
        lasts = self.expires_at is None or now < self.expires_at
        return self.State.GOOD if lasts else self.State.EXPIRED
