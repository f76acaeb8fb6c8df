from django.db import migrations, models


class AddIndex(migrations.AddIndex):
    """Events can be written while PostgreSQL builds the index."""

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
        ("agents", "0016_token_families"),
    ]

    operations = [
        AddIndex(
            model_name="agentevent",
            index=models.Index(
                condition=models.Q(("record__isnull", False)),
                fields=["at"],
                name="event_ends",
            ),
        ),
    ]
