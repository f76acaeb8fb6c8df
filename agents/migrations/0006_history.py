from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0005_fleet_pages'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='agentevent',
            name='event_agent_id_id',
        ),
        migrations.AddIndex(
            model_name='agentevent',
            index=models.Index(fields=['agent_id', 'id'], name='event_agent_prefix', opclasses=['varchar_pattern_ops', 'int8_ops']),
        ),
        migrations.AddIndex(
            model_name='agentevent',
            index=models.Index(condition=models.Q(('actor__startswith', 'admin:')), fields=['id'], name='event_by_staff'),
        ),
    ]
