import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.durations import UNITS, ago, in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.999, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7260, "2 h 1 min"),
        (86_399, "23 h 59 min"),
        (187_200, "2 d 4 h"),
        (-5, "0 s"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_duration_can_be_shown_in_its_largest_unit_only() -> None:
    assert in_words(185, units=1) == "3 min"
    assert ago(187_200, units=1) == "2 d ago"


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_is_rounded_down_by_less_than_its_last_unit(
    seconds: int,
) -> None:
    sizes = {unit: size for size, unit in UNITS}
    words = in_words(seconds).split()
    shown = sum(
        int(count) * sizes[unit] for count, unit in zip(words[::2], words[1::2], strict=True)
    )
    largest = sizes[words[1]]
    next_smaller = max([size for size in sizes.values() if size < largest], default=1)
    assert 0 <= seconds - shown < next_smaller


@pytest.mark.parametrize(
    ("seconds", "words"), [(-0.2, "now"), (0.5, "now"), (1, "1 s ago"), (12.7, "12 s ago")]
)
def test_less_than_a_second_ago_is_now(seconds: float, words: str) -> None:
    assert ago(seconds) == words
