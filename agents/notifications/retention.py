from datetime import timedelta

from agents.database.clock import DatabaseNow
from agents.models import Delivery

BATCH_SIZE = 1000


def delete_old_deliveries(*, days: int, batch_size: int = BATCH_SIZE) -> int:
    old = Delivery.objects.filter(created_at__lt=DatabaseNow() - timedelta(days=days))
    deleted = 0
    while True:
        batch = list(old.values_list("pk", flat=True)[:batch_size])
        count, _ = Delivery.objects.filter(pk__in=batch).delete()
        deleted += count
        if len(batch) < batch_size:
            return deleted
