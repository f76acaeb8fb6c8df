from django.db import migrations

# Percent of a page that new rows fill. In the rest heartbeats find room beside the row, and so leave
# the indexes alone, also while somebody's long query keeps the old versions from being removed:
# docs/adr/0010-no-index-on-heartbeats.md. Nothing is rewritten, and nobody has to wait; pages that
# are full already get room as rows leave them.
FILLFACTOR = 70


def leave_room(apps, schema_editor):
    _alter(schema_editor, f"SET (fillfactor = {FILLFACTOR})")


def fill_up(apps, schema_editor):
    _alter(schema_editor, "RESET (fillfactor)")


def _alter(schema_editor, change):
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name("agents_agentrecord")
        schema_editor.execute(f"ALTER TABLE {table} {change}")


class Migration(migrations.Migration):

    dependencies = [
        ("agents", "0002_trust"),
    ]

    operations = [
        migrations.RunPython(leave_room, fill_up),
    ]
