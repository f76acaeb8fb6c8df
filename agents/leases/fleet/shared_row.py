"""A count of the fleet that all processes share, in the one row of a table."""

from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Manager, Q

from agents.database.availability import UNAVAILABLE
from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.leases.fleet.budget import LONGEST_PAUSE_SECONDS, pause_after
from agents.models.last_count import SharedCount
from agents.querysets import read_at

RowT = TypeVar("RowT", bound=SharedCount)


class SharedRow(Generic[RowT]):
    """`share`: of a processor that counting may take."""

    def __init__(
        self, rows: Manager[RowT], share: float, longest_pause: float = LONGEST_PAUSE_SECONDS
    ) -> None:
        self._rows = rows
        self._share = share
        self._longest_pause = longest_pause

    def read(self) -> RowT | None:
        """Return the row with its age."""
        row = self._rows.annotate(read_at=DatabaseNow()).first()
        if row is not None:
            row.age = (read_at(row) - row.at).total_seconds()
        return row

    def must_count(self, row: RowT) -> bool:
        """Return whether the row is too old, and nobody else counts."""
        pause = pause_after(row.seconds, self._share, self._longest_pause)
        return not 0 <= row.age < pause and self.may_count(pause)

    def may_count(self, pause: float) -> bool:
        # `began_at` is ahead if the database's clock was set back.
        ended = Q(began_at__lte=DatabaseNow() - timedelta(seconds=pause)) | Q(
            began_at__gt=DatabaseNow()
        )
        try:
            with dialect.without_waiting_for_writers():
                return bool(self._rows.filter(ended).update(began_at=DatabaseNow()))
        except UNAVAILABLE:
            return False  # SQLite's writer is at work, or the database is away

    def keep(self, seconds: float, **found: Any) -> None:
        began: Any = DatabaseNow() - timedelta(seconds=seconds)
        row = self._rows.model(at=began, began_at=began, seconds=seconds, **found)
        self._rows.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["at", "began_at", "seconds", *found],
        )

    def forget(self) -> None:
        self._rows.all().delete()
