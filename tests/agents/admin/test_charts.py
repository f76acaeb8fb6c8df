"""Charts: scales, labels, and their descriptions and tables."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from agents.admin.dashboard.charts import Chart, Series
from agents.admin.dashboard.scale import Scale, in_short, scale_for

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
MINUTE = timedelta(minutes=1)


def chart(*series: Series, title: str = "Agents", begin: datetime = NOON) -> Chart:
    number = len(series[0].counts)
    return Chart(
        key="flow",
        title=title,
        span="last hour",
        per="minute",
        slot=MINUTE,
        labelled=10 * MINUTE,
        begins=[begin + place * MINUTE for place in range(number)],
        series=series,
    )


def registered(*counts: int) -> Series:
    return Series("registrations", counts)


def deregistered(*counts: int) -> Series:
    return Series("deregistrations", counts, below_zero=True)


def expired(*counts: int) -> Series:
    return Series("expiries", counts, below_zero=True)


def drawn(shown: Chart) -> ElementTree.Element:
    text = str(shown.svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def bars(shown: Chart) -> list[dict[str, object]]:
    """Return the bars: CSS class, and position and height in percent of the plot."""
    found: list[dict[str, object]] = []
    for rect in drawn(shown).iter(f"{SVG}rect"):
        if rect.attrib["class"] != "chart-hit":
            places = {name: float(rect.attrib[name].rstrip("%")) for name in ("x", "y", "height")}
            found.append({"kind": rect.attrib["class"], **places})
    return found


def texts(shown: Chart, kind: str) -> list[str | None]:
    return [text.text for text in drawn(shown).iter(f"{SVG}text") if text.get("class") == kind]


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
    ("up", "down", "scale"),
    [
        (0, 0, Scale(step=1, top=1)),
        (1, 0, Scale(step=1, top=1)),
        (3, 0, Scale(step=1, top=3)),
        (7, 0, Scale(step=2, top=8)),
        (100_000, 0, Scale(step=50_000, top=100_000)),
        (100_001, 0, Scale(step=50_000, top=150_000)),
        (900, 400, Scale(step=500, top=1_000, bottom=500)),
        (0, 3, Scale(step=1, top=0, bottom=3)),
        (1, 100_000, Scale(step=50_000, top=50_000, bottom=100_000)),
    ],
)
def test_an_axis_has_round_steps_up_to_the_highest_count(up: int, down: int, scale: Scale) -> None:
    assert scale_for(up, down) == scale


@pytest.mark.parametrize("up", [0, 1, 9, 10, 11, 99, 12_345, 441_107_672])
@pytest.mark.parametrize("down", [0, 1, 60, 100_000])
def test_an_axis_has_few_numbers_and_covers_all_counts(up: int, down: int) -> None:
    scale = scale_for(up, down)

    assert 2 <= len(scale.ticks) <= 7
    assert 0 in scale.ticks
    assert scale.ticks[0] <= -down
    assert up <= scale.ticks[-1]


def test_series_are_stacked_above_and_below_zero() -> None:
    shown = chart(registered(2, 0), deregistered(0, 1), expired(0, 1))

    # The axis goes from -2 to 2, so zero is in the middle.
    assert bars(shown) == [
        {"kind": "chart-registrations", "x": 6, "y": 0, "height": 50},
        {"kind": "chart-deregistrations", "x": 56, "y": 50, "height": 25},
        {"kind": "chart-expiries", "x": 56, "y": 75, "height": 25},
    ]
    assert texts(shown, "chart-number") == ["2", "1", "0", "1", "2"][::-1]


def test_a_chart_without_data_has_axes_and_no_bars() -> None:
    shown = chart(registered(*[0] * 60), deregistered(*[0] * 60))

    assert shown.is_empty
    assert bars(shown) == []
    assert texts(shown, "chart-number") == ["0", "1"]
    assert shown.description == "No activity in the last hour."


def test_labelled_times_are_round() -> None:
    shown = chart(registered(*[1] * 60), begin=NOON + 5 * MINUTE)

    assert texts(shown, "chart-time") == ["12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]


def test_no_label_is_cut_off_at_the_ends() -> None:
    shown = chart(registered(*[1] * 60), begin=NOON)

    assert texts(shown, "chart-time") == ["12:10", "12:20", "12:30", "12:40", "12:50"]


def test_numbers_of_a_large_fleet_fit() -> None:
    shown = chart(registered(100_000, 3), expired(0, 100_000))

    assert texts(shown, "chart-number") == ["100k", "50k", "0", "50k", "100k"]


def test_a_chart_has_a_description() -> None:
    shown = chart(registered(1, 1_500, 0), expired(2, 0, 0))

    assert shown.description == (
        "In the last hour: 1,501 registrations, 2 expiries. Most: 1,500 registrations at 12:01."
    )
    [title] = [one.text for one in drawn(shown).findall(f"{SVG}title")]
    [description] = [one.text for one in drawn(shown).findall(f"{SVG}desc")]
    assert title == "Agents, last hour, by the minute"
    assert description == shown.description
    labels = drawn(shown).attrib["aria-labelledby"].split()
    assert labels == [one.attrib["id"] for one in drawn(shown) if "id" in one.attrib]


def test_a_chart_has_a_table() -> None:
    shown = chart(registered(1, 2), expired(3, 4))

    assert shown.rows == [("12:00", [1, 3]), ("12:01", [2, 4])]


def test_each_slot_has_its_numbers_as_a_title() -> None:
    shown = chart(registered(1, 2_000), expired(3, 0))

    titles = [one.findtext(f"{SVG}title") for one in drawn(shown).iter(f"{SVG}g")]
    assert titles == [
        "12:00 to 12:01: registrations 1; expiries 3",
        "12:01 to now: registrations 2,000; expiries 0",
    ]


def test_the_unfinished_slot_is_marked() -> None:
    kinds = [one.attrib["class"] for one in drawn(chart(registered(1, 1, 1))).iter(f"{SVG}g")]

    assert kinds == ["chart-slot", "chart-slot", "chart-slot chart-unfinished"]


def test_a_chart_has_no_inline_styles() -> None:
    assert not re.search(r"\bstyle\s*=|<style", str(chart(registered(1), expired(2)).svg))


def test_text_is_escaped() -> None:
    svg = str(chart(registered(1), title="<script>alert(1)</script>").svg)

    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
