"""Pages of a list that may have millions of rows: they are counted up to a limit."""

from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # of whatever a list shows
    """Has pages for the first MOST rows; counting them takes no longer the more there are."""

    MOST = 10_000

    def know(self, rows: int) -> None:
        """Take it from who has read them all that there are no more than so many rows."""
        self.counted = rows

    @cached_property
    def count(self) -> int:
        """How many rows have pages."""
        return min(self.counted, self.MOST)

    @property
    def is_more(self) -> bool:
        """Whether there are rows beyond these pages."""
        return self.counted > self.MOST

    @cached_property
    def counted(self) -> int:
        """How many rows there are; of more than MOST, one more than that."""
        rows = cast("QuerySet[Any]", self.object_list).order_by().values("pk")
        return rows[: self.MOST + 1].count()
