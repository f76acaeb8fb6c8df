from django.db import models
from django.db.models import Q


class SweepMark(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    purged = models.PositiveIntegerField(help_text="How many agents that sweep purged.")
    held = models.PositiveIntegerField(
        db_default=0, help_text="How many it kept because too many expired at once."
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
    """Since when heartbeats have been answered without a break. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    up_since = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When a web process was last at work.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="uptime_is_a_single_row")]

    def __str__(self) -> str:
        return f"up since {self.up_since}"
