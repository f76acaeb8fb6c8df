from django.db import migrations, models

from agents.migrations._add_index import AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("agents", "0016_token_families"),
    ]

    operations = [
        AddIndex(
            model_name="agentevent",
            index=models.Index(
                condition=models.Q(
                    ("actor__startswith", "token:"),
                    ("kind__in", ["registered", "re-registered"]),
                ),
                fields=["actor", "id"],
                name="event_by_token",
            ),
        ),
        AddIndex(
            model_name="agentevent",
            index=models.Index(
                condition=models.Q(("record__isnull", False)),
                fields=["at"],
                name="event_ends",
            ),
        ),
    ]
