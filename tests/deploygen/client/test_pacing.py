from datetime import UTC, datetime

import pytest

from deploygen.client.pacing import LONGEST_RETRY_AFTER_SECONDS, Pacing, next_beat, retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def pauses(failures: int, interval: float, asked: float | None = None) -> list[float]:
    return [Pacing().after_failure(failures, interval, asked) for _ in range(200)]


def test_the_first_pause_is_about_five_seconds_and_spread() -> None:
    found = pauses(1, interval=20)
    assert 2.5 <= min(found) < 3.5
    assert 4 < max(found) <= 5


@pytest.mark.parametrize(("failures", "longest"), [(2, 10), (3, 15), (4, 15), (1_000_000, 15)])
def test_pauses_double_up_to_a_limit(failures: int, longest: float) -> None:
    found = pauses(failures, interval=20)
    assert longest / 2 <= min(found)
    assert 0.9 * longest < max(found) <= longest


def test_no_pause_is_longer_than_the_interval_of_the_heartbeats() -> None:
    assert max(pauses(5, interval=1)) <= 1


def test_what_the_registry_asks_for_is_the_least() -> None:
    found = pauses(1, interval=1, asked=30)
    assert min(found) >= 30
    assert max(found) <= 36


@pytest.mark.parametrize("asked", [280, 300, 301, 999_999, float("inf")])
def test_a_registry_cannot_send_its_agents_away_for_longer_than_five_minutes(asked: float) -> None:
    found = pauses(1, interval=1, asked=asked)
    assert max(found) <= LONGEST_RETRY_AFTER_SECONDS == 300
    assert min(found) >= (asked if asked <= 300 else 250)
    assert len(set(found)) > 100 or asked == 300  # spread over time


def test_a_short_retry_after_does_not_hasten_anybody() -> None:
    assert min(pauses(1, interval=20, asked=0)) >= 2.5


def test_who_is_refused_asks_every_minute_or_so() -> None:
    found = [Pacing().after_refusal() for _ in range(200)]
    assert 48 <= min(found) < 55
    assert 65 < max(found) <= 72


@pytest.mark.parametrize(
    ("now", "beat"), [(100.0, 110.0), (104.0, 110.0), (110.0, 120.0), (137.0, 140.0), (99.0, 110.0)]
)
def test_beats_keep_their_distance_and_missed_ones_are_left_out(now: float, beat: float) -> None:
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


def test_without_the_header_nothing_was_asked_for() -> None:
    assert retry_after({}) is None


def test_a_date_is_measured_by_the_registrys_clock() -> None:
    headers = {
        "retry-after": "Fri, 02 Jan 2026 03:04:35 GMT",
        "date": "Fri, 02 Jan 2026 03:04:25 GMT",
    }
    assert retry_after(headers, NOW) == 10.0
