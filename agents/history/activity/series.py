from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.models import ActivityMinute

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
COUNTS = ("registrations", "deregistrations", "expiries", "heartbeats")


@dataclass(frozen=True, slots=True)
class Bucket:
    begin: datetime
    registrations: int = 0
    deregistrations: int = 0
    expiries: int = 0
    heartbeats: int = 0


Row = tuple[datetime, int, int, int, int]


def read_minutes(begin: datetime) -> list[Row]:
    minutes = ActivityMinute.objects.filter(minute__gte=begin).order_by("minute")
    return list(minutes.values_list("minute", *COUNTS))


def in_buckets(rows: Iterable[Row], *, now: datetime, number: int, minutes: int) -> list[Bucket]:
    """Return `number` buckets of `minutes`, aligned to UTC; the last contains `now`."""
    length = timedelta(minutes=minutes)
    last = EPOCH + (now - EPOCH) // length * length
    begin = last - (number - 1) * length
    sums = [[0] * len(COUNTS) for _ in range(number)]
    for minute, *counts in rows:
        place = (minute - begin) // length
        if 0 <= place < number:
            sums[place] = [old + new for old, new in zip(sums[place], counts, strict=True)]
    return [Bucket(begin + place * length, *counts) for place, counts in enumerate(sums)]
