"""The minutes, grouped for the charts."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.history import activity
from agents.models import ActivityMinute

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def test_the_last_of_equal_buckets_contains_now() -> None:
    rows = [
        (NOON - timedelta(minutes=31), 1, 1, 1, 1),
        (NOON - timedelta(minutes=30), 1, 2, 3, 4),
        (NOON - timedelta(minutes=1), 10, 20, 30, 40),
        (NOON, 5, 0, 0, 0),
        (NOON + timedelta(minutes=29), 0, 0, 0, 7),
        (NOON + timedelta(minutes=30), 9, 9, 9, 9),
    ]
    now = NOON + timedelta(minutes=20, seconds=59)

    buckets = activity.in_buckets(rows, now=now, number=2, minutes=30)

    assert buckets == [
        activity.Bucket(NOON - timedelta(minutes=30), 11, 22, 33, 44),
        activity.Bucket(NOON, 5, 0, 0, 7),
    ]


def test_empty_buckets_are_included() -> None:
    buckets = activity.in_buckets([], now=NOON, number=60, minutes=1)

    assert len(buckets) == 60
    assert buckets[-1] == activity.Bucket(NOON)
    assert buckets[0].begin == NOON - timedelta(minutes=59)


def test_minutes_are_read_from_a_given_moment() -> None:
    for minute in (0, 1, 2):
        ActivityMinute.objects.create(minute=NOON + timedelta(minutes=minute), heartbeats=minute)

    rows = activity.read_minutes(NOON + timedelta(minutes=1))

    assert [row[0].minute for row in rows] == [1, 2]
    assert [row[-1] for row in rows] == [1, 2]
