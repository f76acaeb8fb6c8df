from django.db import models
from django.db.models import Q


class Lookout(models.Model):
    """Which process records expiries, in one row. Others take over after `until`, which it renews.

    `session`: in the database, as long as the process lives.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    holder = models.CharField(max_length=36)
    session = models.BigIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="lookout_is_a_single_row")]

    def __str__(self) -> str:
        return f"{self.holder} until {self.until}"
