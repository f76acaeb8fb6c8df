from django.db import models


class Agent(models.Model):
    objects: "models.Manager[Agent]"  # for mypy, which does not know this project's settings

    name = models.CharField(max_length=256)
    host = models.CharField(max_length=256)
    port = models.PositiveIntegerField()
    ttl_seconds = models.PositiveIntegerField(default=60)
    metadata = models.JSONField(default=dict)
    last_heartbeat = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "naive"

    def __str__(self) -> str:
        return self.name
