from datetime import UTC, datetime

import pytest

from deploygen.client.registration.pacing import (
    LONGEST_RETRY_AFTER_SECONDS,
    Pacing,
    next_beat,
    retry_after,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def pauses(failures: int, interval: float, retry_after_seconds: float | None = None) -> list[float]:
    return [Pacing().after_failure(failures, interval, retry_after_seconds) for _ in range(200)]


def test_the_first_pause_is_about_five_seconds_with_jitter() -> None:
    pauses_found = pauses(1, interval=20)
    assert 2.5 <= min(pauses_found) < 3.5
    assert 4 < max(pauses_found) <= 5


@pytest.mark.parametrize(("failures", "longest"), [(2, 10), (3, 15), (4, 15), (1_000_000, 15)])
def test_pauses_double_up_to_a_limit(failures: int, longest: float) -> None:
    pauses_found = pauses(failures, interval=20)
    assert longest / 2 <= min(pauses_found)
    assert 0.9 * longest < max(pauses_found) <= longest


def test_a_pause_is_not_longer_than_the_heartbeat_interval() -> None:
    assert max(pauses(5, interval=1)) <= 1


def test_a_pause_is_at_least_retry_after() -> None:
    pauses_found = pauses(1, interval=1, retry_after_seconds=30)
    assert min(pauses_found) >= 30
    assert max(pauses_found) <= 36


@pytest.mark.parametrize("retry_after_seconds", [280, 300, 301, 999_999, float("inf")])
def test_retry_after_is_limited_to_five_minutes(retry_after_seconds: float) -> None:
    pauses_found = pauses(1, interval=1, retry_after_seconds=retry_after_seconds)
    assert max(pauses_found) <= LONGEST_RETRY_AFTER_SECONDS == 300
    assert min(pauses_found) >= (retry_after_seconds if retry_after_seconds <= 300 else 250)
    assert len(set(pauses_found)) > 100 or retry_after_seconds == 300  # with jitter


def test_a_short_retry_after_does_not_shorten_the_pause() -> None:
    assert min(pauses(1, interval=20, retry_after_seconds=0)) >= 2.5


def test_after_a_refusal_the_pause_is_about_a_minute() -> None:
    pauses_found = [Pacing().after_refusal() for _ in range(200)]
    assert 48 <= min(pauses_found) < 55
    assert 65 < max(pauses_found) <= 72


@pytest.mark.parametrize(
    ("now", "beat"), [(100.0, 110.0), (104.0, 110.0), (110.0, 120.0), (137.0, 140.0), (99.0, 110.0)]
)
def test_heartbeats_keep_their_rhythm_and_skip_missed_ones(now: float, beat: float) -> None:
    assert next_beat(100.0, 10.0, now) == beat


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 400, float("inf")),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("\u0663", None),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("Fri, 99 Jan 2026 03:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header}, NOW) == seconds


def test_without_the_header_there_is_no_retry_after() -> None:
    assert retry_after({}) is None


def test_a_date_is_relative_to_the_registrys_clock() -> None:
    headers = {
        "retry-after": "Fri, 02 Jan 2026 03:04:35 GMT",
        "date": "Fri, 02 Jan 2026 03:04:25 GMT",
    }
    assert retry_after(headers, NOW) == 10.0
