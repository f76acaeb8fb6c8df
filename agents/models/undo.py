import uuid

from django.db import models

from agents.models.limits import MAX_ACTOR_LENGTH

MAX_OPERATION_LENGTH = 32


class Undo(models.Model):
    """What an operation of the dashboard changed: rows of key, value before, value after.

    `position`: of the last event that may be the operation's own.
    """

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    operation = models.CharField(max_length=MAX_OPERATION_LENGTH)
    actor = models.CharField(max_length=MAX_ACTOR_LENGTH)
    created_at = models.DateTimeField(db_index=True)
    position = models.BigIntegerField()
    changes = models.JSONField()

    def __str__(self) -> str:
        return f"{self.operation} by {self.actor}"
