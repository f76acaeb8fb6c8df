from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, Max, Min, Sum

from agents.database.clock import EPOCH, Microseconds, from_microseconds
from agents.models import ActivityMinute

COUNTS = ("registrations", "restarts", "deregistrations", "expiries", "heartbeats")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`lowest` and `highest`: numbers of living agents; None if nobody counted them."""

    begin: datetime
    registrations: int = 0
    restarts: int = 0
    deregistrations: int = 0
    expiries: int = 0
    heartbeats: int = 0
    lowest: int | None = None
    highest: int | None = None


def totals(begin: datetime) -> dict[str, int]:
    """Return the sum of each of COUNTS since then."""
    minutes = ActivityMinute.objects.filter(minute__gte=begin)
    sums = minutes.aggregate(**{name: Sum(name, default=0) for name in COUNTS})
    return {name: int(count) for name, count in sums.items()}


def read_buckets(*, now: datetime, number: int, minutes: int) -> list[Bucket]:
    """Return `number` buckets of `minutes`, aligned to UTC; the last contains `now`."""
    length = timedelta(minutes=minutes)
    last = EPOCH + (now - EPOCH) // length * length
    begin = last - (number - 1) * length
    found = {bucket.begin: bucket for bucket in _summed(begin, last + length, length)}
    begins = (begin + place * length for place in range(number))
    return [found.get(each) or Bucket(each) for each in begins]


def _summed(begin: datetime, end: datetime, length: timedelta) -> Iterator[Bucket]:
    # The database adds up: thirty days have 43,200 minutes.
    place = ExpressionWrapper(
        Microseconds(F("minute")) / (length // MICROSECOND), output_field=BigIntegerField()
    )
    rows: Any = (
        ActivityMinute.objects.filter(minute__gte=begin, minute__lt=end)
        .values(place=place)
        .annotate(
            **{f"sum_of_{name}": Sum(name) for name in COUNTS},
            lowest=Min("alive"),
            highest=Max("alive"),
        )
        .order_by()
    )
    for row in rows:
        yield Bucket(
            from_microseconds(row["place"] * (length // MICROSECOND)),
            **{name: int(row[f"sum_of_{name}"]) for name in COUNTS},
            lowest=row["lowest"],
            highest=row["highest"],
        )
