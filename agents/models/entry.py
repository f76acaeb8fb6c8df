from django.db import models

from agents.models.limits import MAX_ID_LENGTH


class CatalogEntry(models.Model):
    """What catalogs show of an agent beside its record, and the words that searches find.

    It follows from the registration; heartbeats do not change it. Only `agents.leases` writes it.

    The database indexes the words (migration 0013): by a generated column on PostgreSQL, by
    triggers on SQLite. Migrations that alter a field here have to create the triggers again.
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
