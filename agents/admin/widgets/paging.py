"""Pagination of lists that may have millions of rows, which are counted up to a limit."""

from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # of any model
    """Has pages for the first MOST rows, so that counting takes no longer the more there are."""

    MOST = 10_000

    def set_count(self, rows: int) -> None:
        """Spare the count where all rows have been read: there are `rows`."""
        self.counted = rows

    @cached_property
    def count(self) -> int:
        """How many rows have pages."""
        return min(self.counted, self.MOST)

    @property
    def is_more(self) -> bool:
        return self.counted > self.MOST

    @cached_property
    def counted(self) -> int:
        """The number of rows, or MOST + 1 if there are more than MOST."""
        rows = cast("QuerySet[Any]", self.object_list).order_by().values("pk")
        return rows[: self.MOST + 1].count()
