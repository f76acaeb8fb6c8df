from django.db import models
from django.db.models import Q


class SharedCount(models.Model):
    """Of a large fleet. One row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(help_text="When the fleet was counted.")
    began_at = models.DateTimeField(help_text="When a process last began to count it.")
    seconds = models.FloatField(help_text="How long that took.")
    age: float  # when it was read; not stored

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"counted at {self.at}"


class LastCount(SharedCount):
    groups = models.JSONField(help_text="Numbers of agents by lease, silence and state.")
    troubled = models.JSONField(
        default=list, db_default=[], help_text="The agents that are worst, with what is wrong."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="last_count_is_a_single_row")]


class LastTagCount(SharedCount):
    groups = models.JSONField(help_text="Numbers of agents by tag and lease.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="last_tag_count_is_a_single_row")
        ]


class LastFacetCount(SharedCount):
    groups = models.JSONField(help_text="Numbers of agents by facet, value and level.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="last_facet_count_is_a_single_row")
        ]
