from django.db import migrations, models

from agents.migrations._add_index import AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("agents", "0009_expiries"),
    ]

    operations = [
        AddIndex(
            model_name="agentrecord",
            index=models.Index(
                condition=models.Q(("recorded_expiry__isnull", False)),
                fields=["agent_id"],
                name="agent_recorded_expiry",
            ),
        ),
        AddIndex(
            model_name="agentrecord",
            index=models.Index(
                condition=models.Q(("ttl_seconds__lt", 30)),
                fields=["ttl_seconds"],
                name="agent_short_ttl",
            ),
        ),
    ]
