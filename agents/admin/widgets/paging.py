from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # of any model
    """Gives pages to the first MOST rows only: counting millions takes long."""

    MOST = 10_000

    def set_count(self, rows: int) -> None:
        self.counted = rows

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.MOST)

    @property
    def is_more(self) -> bool:
        return self.counted > self.MOST

    @cached_property
    def counted(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list).order_by().values("pk")
        return rows[: self.MOST + 1].count()
