from django.db import models

from agents.models.limits import MAX_ID_LENGTH


class CatalogEntry(models.Model):
    """What catalogs show of an agent beside its record, and the words that searches look for.

    It follows from what the agent registered with, and heartbeats leave it alone. Only
    `agents.leases` writes it. No foreign key: see AgentRecord.

    The database indexes the words by itself (migration 0013): by a generated column on PostgreSQL,
    by triggers on SQLite, which a migration that alters a field here has to make again.
    """

    agent_id = models.CharField(unique=True, max_length=MAX_ID_LENGTH)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=list, help_text="Of the record and of the card's skills.")
    capabilities = models.JSONField(default=list, help_text="Skills, of the record and the card.")
    queries = models.JSONField(default=list, help_text="Examples of what the agent can be asked.")
    name_words = models.TextField(blank=True)
    skill_words = models.TextField(blank=True)
    about_words = models.TextField(blank=True)
    more_words = models.TextField(blank=True)
    digest = models.CharField(max_length=32, help_text="Of all the above.")

    class Meta:
        verbose_name_plural = "catalog entries"

    def __str__(self) -> str:
        return f"entry of {self.agent_id}"
