from django.db import models
from django.db.models import Q


class ActivityMinute(models.Model):
    minute = models.DateTimeField(primary_key=True, help_text="When it began, in whole minutes.")
    heartbeats = models.PositiveBigIntegerField(db_default=0, help_text="Leases renewed.")
    registrations = models.PositiveIntegerField(
        db_default=0, help_text="Of new agents, and again of known ones."
    )
    restarts = models.PositiveIntegerField(
        db_default=0, help_text="Registrations of agents that had registered before."
    )
    deregistrations = models.PositiveIntegerField(db_default=0)
    expiries = models.PositiveIntegerField(db_default=0, help_text="Leases that ended then.")
    alive = models.PositiveIntegerField(
        null=True, help_text="Agents with a valid lease; unknown if no web process was at work."
    )

    class Meta:
        verbose_name = "minute of activity"
        verbose_name_plural = "minutes of activity"

    def __str__(self) -> str:
        return f"activity of {self.minute}"


class ActivityMark(models.Model):
    """Which events ActivityMinute includes. One row."""

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
