from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.admin.dashboard.charts import Chart, Series
from agents.history.activity import Bucket, in_buckets, read_minutes


@dataclass(frozen=True)
class Span:
    name: str
    per: str
    number: int
    minutes: int
    labelled: timedelta


HOUR = Span("last hour", "minute", 60, 1, timedelta(minutes=10))
DAY = Span("last day", "half hour", 48, 30, timedelta(hours=4))


def activity_charts(now: datetime) -> list[Chart]:
    rows = read_minutes(now - timedelta(minutes=DAY.number * DAY.minutes))
    spans = [
        (span, in_buckets(rows, now=now, number=span.number, minutes=span.minutes))
        for span in (HOUR, DAY)
    ]
    return [
        *(_chart("flow", "Agent activity", span, buckets, _flow) for span, buckets in spans),
        *(_chart("beats", "Heartbeats", span, buckets, _beats) for span, buckets in spans),
    ]


def _flow(buckets: Sequence[Bucket]) -> list[Series]:
    deregistrations = [bucket.deregistrations for bucket in buckets]
    return [
        Series("registrations", [bucket.registrations for bucket in buckets]),
        Series("deregistrations", deregistrations, below_zero=True),
        Series("expiries", [bucket.expiries for bucket in buckets], below_zero=True),
    ]


def _beats(buckets: Sequence[Bucket]) -> list[Series]:
    return [Series("heartbeats", [bucket.heartbeats for bucket in buckets])]


def _chart(
    key: str,
    title: str,
    span: Span,
    buckets: Sequence[Bucket],
    series: Callable[[Sequence[Bucket]], list[Series]],
) -> Chart:
    return Chart(
        key=f"{key}-{span.per.replace(' ', '-')}",
        title=title,
        span=span.name,
        per=span.per,
        slot=timedelta(minutes=span.minutes),
        labelled=span.labelled,
        begins=[bucket.begin for bucket in buckets],
        series=series(buckets),
    )
