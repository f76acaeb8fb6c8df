"""The minutes, added up for the charts."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.history import activity
from agents.models import ActivityMinute

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_last_of_equal_buckets_contains_now() -> None:
    for minutes, registrations, restarts, stops, expiries, heartbeats, alive in (
        (-31, 1, 1, 1, 1, 1, 1),
        (-30, 1, 0, 2, 3, 4, 50),
        (-1, 10, 5, 20, 30, 40, 45),
        (0, 5, 1, 0, 0, 0, None),
        (29, 0, 0, 0, 0, 7, 48),
        (30, 9, 9, 9, 9, 9, 9),
    ):
        ActivityMinute.objects.create(
            minute=NOON + minutes * MINUTE,
            registrations=registrations,
            restarts=restarts,
            deregistrations=stops,
            expiries=expiries,
            heartbeats=heartbeats,
            alive=alive,
        )

    now = NOON + timedelta(minutes=20, seconds=59)
    buckets = activity.read_buckets(now=now, number=2, minutes=30)

    assert buckets == [
        activity.Bucket(NOON - 30 * MINUTE, 11, 5, 22, 33, 44, 45, 50),
        activity.Bucket(NOON, 5, 1, 0, 0, 7, 48, 48),
    ]


def test_empty_buckets_are_included() -> None:
    buckets = activity.read_buckets(now=NOON, number=60, minutes=1)

    assert len(buckets) == 60
    assert buckets[-1] == activity.Bucket(NOON)
    assert buckets[0].begin == NOON - 59 * MINUTE


def test_totals_are_those_since_a_moment() -> None:
    assert set(activity.totals(NOON).values()) == {0}
    for minute in (0, 1, 2):
        ActivityMinute.objects.create(minute=NOON + minute * MINUTE, heartbeats=minute)

    assert activity.totals(NOON + 2 * MINUTE)["heartbeats"] == 2
