"""The chart of the living: scales, marks, labels."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from agents.admin.dashboard.charts import LANE, Chart
from agents.admin.dashboard.scale import Scale, in_short, scale_for
from agents.admin.dashboard.spans import SPANS
from agents.history.activity import Bucket

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
MINUTE = timedelta(minutes=1)


def chart(
    alive: Sequence[Any] = (), begin: datetime = NOON, span: str = "hour", **counts: Sequence[int]
) -> Chart:
    """Return a chart with these living agents, each a number, a pair or None, and counts."""
    number = max(map(len, (alive, *counts.values())))
    lows = [each[0] if isinstance(each, tuple) else each for each in alive] or [None] * number
    highs = [each[1] if isinstance(each, tuple) else each for each in alive] or [None] * number
    buckets = [
        Bucket(
            begin + place * SPANS[span].slot,
            **{name: values[place] for name, values in counts.items()},
            lowest=lows[place],
            highest=highs[place],
        )
        for place in range(number)
    ]
    return Chart(SPANS[span], buckets)


def drawn(shown: Chart) -> ElementTree.Element:
    text = str(shown.svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def paths(shown: Chart) -> list[tuple[str, str]]:
    return [(path.attrib["class"], path.attrib["d"]) for path in drawn(shown).iter(f"{SVG}path")]


def marks(shown: Chart, lane: str) -> list[tuple[float, float]]:
    """Return where the marks of a lane begin, and their heights in percent."""
    [found] = [one for one in drawn(shown) if one.get("class") == f"living-{lane}"]
    assert found.attrib["height"] == str(LANE)
    return [(float(one.attrib["x"]), float(one.attrib["height"])) for one in found]


def times(shown: Chart) -> list[str | None]:
    return [one.text for one in drawn(shown).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1_000, "1k"),
        (1_500, "1.5k"),
        (12_345, "12.3k"),
        (99_940, "99.9k"),
        (99_960, "100k"),
        (100_000, "100k"),
        (999_400, "999k"),
        (999_600, "1M"),
        (2_000_000, "2M"),
        (441_107_672, "441M"),
        (7_500_000_000, "7.5G"),
    ],
)
def test_large_numbers_are_shortened(count: int, text: str) -> None:
    assert in_short(count) == text


@pytest.mark.parametrize(
    ("highest", "scale"),
    [
        (0, Scale(step=1, top=1)),
        (1, Scale(step=1, top=1)),
        (3, Scale(step=1, top=3)),
        (7, Scale(step=2, top=8)),
        (100_000, Scale(step=50_000, top=100_000)),
        (100_001, Scale(step=50_000, top=150_000)),
    ],
)
def test_an_axis_has_round_steps_up_to_the_highest_count(highest: int, scale: Scale) -> None:
    assert scale_for(highest) == scale
    assert scale.ticks[0] == 0
    assert scale.ticks[-1] == scale.top


def test_the_living_are_an_area_with_a_band_up_to_the_highest() -> None:
    assert paths(chart([4, (2, 4)])) == [
        ("living-area", "M0 1000 L0 0 L1 0 L1 500 L2 500 L2 1000 Z"),
        ("living-band", "M0 0 L1 0 L1 500 L2 500 L2 0 L1 0 L1 0 L0 0 Z"),
        ("living-edge", "M0 0 L1 0 L1 500 L2 500"),
    ]


def test_what_is_unknown_is_a_gap() -> None:
    edges = [d for kind, d in paths(chart([None, 1, None, None, 1])) if kind == "living-edge"]

    assert edges == ["M1 0 L2 0", "M4 0 L5 0"]


def test_marks_show_deaths_and_restarts_even_one_beside_a_thousand() -> None:
    shown = chart([5, 5, 5], expiries=[1_000, 0, 1], restarts=[0, 2, 4])

    assert marks(shown, "deaths") == [(0.12, 100), (2.12, 16)]
    assert marks(shown, "restarts") == [(1.12, 50), (2.12, 100)]
    assert marks(shown, "heartbeats") == []


@pytest.mark.parametrize(
    ("span", "begin", "expected"),
    [
        ("hour", NOON + 5 * MINUTE, ["12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]),
        ("hour", NOON, ["12:10", "12:20", "12:30", "12:40", "12:50"]),
        ("day", NOON, ["16:00", "20:00", "00:00", "04:00", "08:00"]),
        ("week", NOON, [f"{day:02} May" for day in range(2, 9)]),
        ("month", NOON, ["04 May", "09 May", "14 May", "19 May", "24 May", "29 May"]),
    ],
)
def test_round_times_are_written_and_none_is_cut_off(
    span: str, begin: datetime, expected: list[str]
) -> None:
    assert times(chart([1] * SPANS[span].number, begin=begin, span=span)) == expected


def test_each_slot_has_its_numbers_and_a_link_to_its_history() -> None:
    first, last = chart([(2, 4), 1_000], expiries=[3, 0], heartbeats=[0, 2_000]).slots

    assert first.title == (
        "12:00 to 12:01: 2 to 4 alive; deaths 3; restarts 0; stopped 0; heartbeats 0"
    )
    assert last.title.startswith("12:01 to now: 1,000 alive;")
    assert last.title.endswith("heartbeats 2,000")
    assert first.url.endswith(
        "?at__gte=2026-05-01T12%3A00%3A00%2B00%3A00&at__lt=2026-05-01T12%3A01%3A00%2B00%3A00"
    )


def test_days_are_named_where_there_are_several() -> None:
    [slot, _] = chart([None, None], span="week").slots

    assert slot.title.startswith("01 May 12:00 to 01 May 14:00: unknown alive")


def test_the_drawing_has_a_name_a_description_and_no_inline_styles() -> None:
    shown = chart([(2, 4)], expiries=[1_500])

    root = drawn(shown)
    assert [one.text for one in root.findall(f"{SVG}title")] == ["Living agents, last hour"]
    assert [one.text for one in root.findall(f"{SVG}desc")] == [
        "In the last hour: 2 to 4 agents were alive. 1,500 deaths, 0 restarts, 0 stopped."
    ]
    assert root.attrib["aria-labelledby"].split() == [
        one.attrib["id"] for one in root if "id" in one.attrib
    ]
    assert not re.search(r"\bstyle\s*=|<style", str(shown.svg) + str(shown.labels))
