from django.db import models

from agents.models.limits import MAX_ACTOR_LENGTH, MAX_VIEW_NAME_LENGTH, MAX_VIEW_QUERY_LENGTH


class SavedView(models.Model):
    name = models.CharField(max_length=MAX_VIEW_NAME_LENGTH, unique=True)
    query = models.CharField(
        max_length=MAX_VIEW_QUERY_LENGTH, blank=True, help_text="The list's parameters, encoded."
    )
    created_by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
