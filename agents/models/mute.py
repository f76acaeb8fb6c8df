from django.db import models

from agents.models.limits import MAX_ACTOR_LENGTH, MAX_ID_LENGTH, MAX_REASON_LENGTH


class Mute(models.Model):
    """A problem that people do not want to see for a while. Only `agents.attention` writes it."""

    agent_id = models.CharField(
        max_length=MAX_ID_LENGTH, blank=True, help_text="Empty for the registry's own problems."
    )
    problem = models.CharField(max_length=32)
    until = models.DateTimeField()
    muted_at = models.DateTimeField()
    muted_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)

    class Meta:
        verbose_name = "muted problem"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["agent_id", "problem"], name="mute_is_the_only_one")
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.problem}"

    @property
    def words(self) -> str:
        return self.problem.replace("-", " ")
