from django.db import migrations, models


class AddIndex(migrations.AddIndex):
    """Heartbeats go on while PostgreSQL builds the index."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.add_index(model, self.index, concurrently=True)


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
