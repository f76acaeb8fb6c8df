from django.db import models
from django.db.models import Q


class SweepMark(models.Model):
    """The last sweep, in one row, whose age betrays a dead sweeper."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    purged = models.PositiveIntegerField(help_text="How many agents that sweep purged.")
    held = models.PositiveIntegerField(
        db_default=0, help_text="How many it left, since too many expired at once."
    )
    purged_in_total = models.PositiveBigIntegerField(
        db_default=0, help_text="How many agents all sweeps have purged."
    )
    seconds = models.FloatField(
        db_default=0, help_text="How long that sweep took to look through a large fleet."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sweep_mark_is_a_single_row")]

    def __str__(self) -> str:
        return f"swept at {self.at}"


class Uptime(models.Model):
    """Since when the registry has answered heartbeats without a break, in one row.

    A purge ignores heartbeats missed before `up_since`: agents could not reach us.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    up_since = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When a web process was last at work.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="uptime_is_a_single_row")]

    def __str__(self) -> str:
        return f"up since {self.up_since}"
