from django.db import migrations, models

BATCH_SIZE = 500
# By weights: A is the best.
COLUMNS = {"name_words": "A", "skill_words": "B", "about_words": "C", "more_words": "D"}


def index_words(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # The words come as they are to be found: see agents.words.
        parts = [
            f"SETWEIGHT(TO_TSVECTOR('pg_catalog.simple', {name}), '{weight}')"
            for name, weight in COLUMNS.items()
        ]
        schema_editor.execute(
            "ALTER TABLE agents_catalogentry ADD COLUMN words tsvector"
            f" GENERATED ALWAYS AS ({' || '.join(parts)}) STORED"
        )
        # Without a list of pending words, which some registration would have to merge.
        schema_editor.execute(
            "CREATE INDEX catalog_entry_words ON agents_catalogentry USING gin (words)"
            " WITH (fastupdate = off)"
        )
        return
    names = ", ".join(COLUMNS)
    old, new = (", ".join(f"{row}.{name}" for name in COLUMNS) for row in ("old", "new"))
    remove = (
        f"INSERT INTO agents_catalogwords (agents_catalogwords, rowid, {names})"
        f" VALUES ('delete', old.id, {old});"
    )
    add = f"INSERT INTO agents_catalogwords (rowid, {names}) VALUES (new.id, {new});"
    schema_editor.execute(
        f"CREATE VIRTUAL TABLE agents_catalogwords USING fts5({names},"
        " content='agents_catalogentry', content_rowid='id', detail='column',"
        " tokenize='unicode61 remove_diacritics 0')"
    )
    for event, statements in (("INSERT", add), ("DELETE", remove), ("UPDATE", remove + add)):
        schema_editor.execute(
            f"CREATE TRIGGER agents_catalogwords_{event.lower()} AFTER {event}"
            f" ON agents_catalogentry BEGIN {statements} END"
        )


def drop_words(apps, schema_editor):
    # On PostgreSQL, they go with the table.
    if schema_editor.connection.vendor == "sqlite":
        for event in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER agents_catalogwords_{event}")
        schema_editor.execute("DROP TABLE agents_catalogwords")


def add_entries(apps, schema_editor):
    """Add those of agents that are there; a registration in between writes its own."""
    from agents.leases.entries import entry_of

    record, card = (apps.get_model("agents", name) for name in ("AgentRecord", "AgentCard"))
    entry = apps.get_model("agents", "CatalogEntry")
    last = ""
    while True:
        columns = ("agent_id", "agent_name", "metadata", "tags", "skills", "generation")
        found = list(record.objects.filter(pk__gt=last).order_by("pk").values(*columns)[:BATCH_SIZE])
        if not found:
            return
        last = found[-1]["agent_id"]
        ids = [one["agent_id"] for one in found]
        kept = card.objects.filter(pk__in=ids).values_list("pk", "generation", "card")
        cards = {(agent_id, generation): content for agent_id, generation, content in kept}
        entry.objects.bulk_create(
            (
                entry(**entry_of(one, cards.get((one["agent_id"], one["generation"]))))
                for one in found
            ),
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    # Agents register meanwhile.
    atomic = False

    dependencies = [
        ("agents", "0012_operators"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatalogEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("agent_id", models.CharField(max_length=255, unique=True)),
                ("description", models.TextField(blank=True)),
                (
                    "tags",
                    models.JSONField(
                        default=list, help_text="Of the record and of the card's skills."
                    ),
                ),
                (
                    "capabilities",
                    models.JSONField(
                        default=list, help_text="Skills, of the record and the card."
                    ),
                ),
                (
                    "queries",
                    models.JSONField(
                        default=list, help_text="Examples of what the agent can be asked."
                    ),
                ),
                ("name_words", models.TextField(blank=True)),
                ("skill_words", models.TextField(blank=True)),
                ("about_words", models.TextField(blank=True)),
                ("more_words", models.TextField(blank=True)),
                ("digest", models.CharField(help_text="Of all the above.", max_length=32)),
            ],
            options={
                "verbose_name_plural": "catalog entries",
            },
        ),
        migrations.RunPython(index_words, drop_words),
        migrations.RunPython(add_entries, migrations.RunPython.noop),
    ]
