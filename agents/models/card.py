from django.db import models

from agents.models.limits import MAX_ID_LENGTH


class AgentCard(models.Model):
    """Apart from its agent, since heartbeats would rewrite it.

    It belongs to one generation. Only `agents.leases` writes it.
    """

    agent_id = models.CharField(primary_key=True, max_length=MAX_ID_LENGTH)
    generation = models.BigIntegerField(help_text="Of the registration that brought it.")
    card = models.JSONField()

    class Meta:
        verbose_name = "agent card"

    def __str__(self) -> str:
        return f"card of {self.agent_id}"
