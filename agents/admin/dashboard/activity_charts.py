"""The charts of the front page: what came and went, and the heartbeats, by the hour and the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.admin.dashboard.charts import Chart, Series
from agents.history.activity import Bucket, in_buckets, read_minutes


@dataclass(frozen=True)
class Span:
    """A time up to now, in `number` buckets of so many `minutes`."""

    name: str
    per: str
    number: int
    minutes: int
    labelled: timedelta


HOUR = Span("last hour", "minute", 60, 1, timedelta(minutes=10))
DAY = Span("last day", "half hour", 48, 30, timedelta(hours=4))


def activity_charts(now: datetime) -> list[Chart]:
    """Return the charts as of `now`, the database's time; one query, over a row for each minute."""
    rows = read_minutes(now - timedelta(minutes=DAY.number * DAY.minutes))
    spans = [
        (span, in_buckets(rows, now=now, number=span.number, minutes=span.minutes))
        for span in (HOUR, DAY)
    ]
    return [
        *(_chart("flow", "Agents come and go", span, in_it, _flow(in_it)) for span, in_it in spans),
        *(_chart("beats", "Heartbeats", span, in_it, _beats(in_it)) for span, in_it in spans),
    ]


def _flow(buckets: Sequence[Bucket]) -> list[Series]:
    came = [one.registrations for one in buckets]
    left = [one.deregistrations for one in buckets]
    expired = [one.expiries for one in buckets]
    return [
        Series("registrations", "registrations", came),
        Series("deregistrations", "deregistrations", left, goes_away=True),
        Series("expiries", "expiries", expired, goes_away=True),
    ]


def _beats(buckets: Sequence[Bucket]) -> list[Series]:
    return [Series("heartbeats", "heartbeats", [one.heartbeats for one in buckets])]


def _chart(
    key: str, title: str, span: Span, buckets: Sequence[Bucket], series: Sequence[Series]
) -> Chart:
    return Chart(
        key=f"{key}-{span.per.replace(' ', '-')}",
        title=title,
        span=span.name,
        per=span.per,
        slot=timedelta(minutes=span.minutes),
        labelled=span.labelled,
        begins=[one.begin for one in buckets],
        series=series,
    )
