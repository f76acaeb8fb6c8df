"""How much of the past a chart shows, and in which slots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import localtime

# Of the slots: nearer to the edges a time would be cut off.
MARGIN = 0.03


@dataclass(frozen=True)
class Span:
    """`hours`, `days`: between two times that are written below."""

    name: str
    title: str
    number: int
    minutes: int
    hours: float = 0
    days: int = 0

    @property
    def slot(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def per(self) -> str:
        return f"{self.minutes} min" if self.minutes < 60 else f"{self.minutes // 60} h"  # noqa: PLR2004

    def words(self, at: datetime) -> str:
        return localtime(at).strftime("%d %b %H:%M" if self.days else "%H:%M")

    def labels(self, begins: Sequence[datetime]) -> Iterator[tuple[int, str]]:
        """Yield the slots with a round time, and that time."""
        for place, begin in enumerate(begins):
            if not MARGIN <= place / len(begins) <= 1 - MARGIN:
                continue
            here = localtime(begin)
            if not self.days:
                midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
                if (here - midnight) % timedelta(hours=self.hours) == timedelta(0):
                    yield place, here.strftime("%H:%M")
                continue
            is_new = here.date() != localtime(begins[place - 1]).date()
            if is_new and here.toordinal() % self.days == 0:
                yield place, here.strftime("%d %b")


SPANS = {
    "hour": Span("1 h", "last hour", number=60, minutes=1, hours=1 / 6),
    "day": Span("24 h", "last 24 hours", number=96, minutes=15, hours=4),
    "week": Span("7 d", "last 7 days", number=84, minutes=120, days=1),
    "month": Span("30 d", "last 30 days", number=90, minutes=480, days=5),
}
DEFAULT = "day"
