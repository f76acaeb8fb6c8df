"""Figures from counts, verdicts from figures, and the page they are written to."""

from array import array
from pathlib import Path

import pytest

from benchmarks.fleet import histogram
from benchmarks.heartbeats import chart, performance_page
from benchmarks.heartbeats.load import Load
from benchmarks.heartbeats.measurement import Figures, figures, medians
from benchmarks.heartbeats.ratios import Ratio, ratios
from benchmarks.latencies import percentile


def costing(cpu: float) -> Figures:
    return Figures(cpu=cpu, per_second=1, p50=1, p99=1)


ALL = {
    "fast-32": costing(0.1),
    "fast-256": costing(0.05),
    "bulk": costing(0.01),
    "etcd-32": costing(0.25),
    "etcd-256": costing(0.5),
    "naive-32": costing(4.0),
    "bare-update": costing(0.008),
    "register-256": costing(0.2),
    "register-naive-256": costing(4.0),
    "floor-uvicorn-32": costing(0.05),
    "floor-granian-32": costing(0.04),
}


def test_cpu_is_seconds_for_a_thousand_heartbeats() -> None:
    load = Load(right=4, latencies=array("d", [0.004, 0.001, 0.003, 0.002]), seconds=2.0)
    result = figures(load, used_nanoseconds=3_000_000_000, per_request=500)
    assert result.cpu == 1.5
    assert result.per_second == 1000
    assert (result.p50, result.p99) == (3.0, 4.0)


def test_each_figure_has_its_own_median() -> None:
    rounds = [Figures(1, 30, 5, 9), Figures(3, 10, 7, 8), Figures(2, 20, 6, 7)]
    assert medians(rounds) == Figures(2, 20, 6, 8)


def test_each_ratio_is_ours_over_theirs() -> None:
    assert {ratio.name: ratio.value for ratio in ratios(ALL)} == {
        "etcd": 0.4,
        "etcd-256": 0.1,
        "naive": 0.025,
        "floor": 2.5,  # result the cheaper one
        "bulk-update": 1.25,
        "register-naive": 0.05,
        "open-hello": None,
        "open-etcd": None,
    }
    assert not any(ratio.exceeds_limit for ratio in ratios(ALL))


@pytest.mark.parametrize(("value", "too_much"), [(0.40, False), (0.401, True)], ids=["at", "above"])
def test_a_ratio_may_equal_its_limit_but_not_exceed_it(value: float, too_much: bool) -> None:
    ratio = Ratio("etcd", "fast-32", "etcd-32", 0.40, value)
    assert ratio.exceeds_limit is too_much
    assert ratio.verdict.endswith("too much" if too_much else "ok")


def test_a_ratio_is_printed_with_three_decimals() -> None:
    measured = ALL | {"etcd-32": costing(0.3)}
    assert ratios(measured)[0].line == "ratio etcd 0.333"


def test_a_measurement_that_was_left_out_is_reported_as_missing() -> None:
    measured = {name: result for name, result in ALL.items() if name != "etcd-32"}
    etcd = ratios(measured)[0]
    assert etcd.line == "ratio etcd missing"
    assert not etcd.exceeds_limit
    assert ratios({})[3].line == "ratio floor missing"


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_the_value_at_its_rank(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


def test_a_latency_belongs_to_the_range_that_begins_with_it() -> None:
    found = dict(histogram.buckets([0.0004, 0.001, 0.0019, 0.002, 99.0]))
    assert found["0-0.5"] == 1
    assert found["1-2"] == 2
    assert found["2-4"] == 1
    assert found["4-8"] == 0
    assert found["over 16384"] == 1
    assert histogram.buckets([]) == []


def test_a_bar_of_a_tenth_is_one_decade_shorter() -> None:
    picture = chart.svg("cost", [("ours", 0.1, True), ("theirs <x>", 1.0, False)])
    assert picture.count(chart.OURS) == 1
    assert f'width="{chart.WIDTH / 1:.1f}"' in picture
    assert f'<rect x="{chart.LABELS}" y="{chart.TOP}" width="0.0"' in picture
    assert "theirs &lt;x&gt;" in picture


def test_the_text_around_the_figures_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin, end = performance_page.marks("figures")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    performance_page.write("figures", "new", page)
    performance_page.write("figures", "newer", page)
    assert page.read_text() == f"before\n{begin}\n\nnewer\n\n{end}\nafter\n"


def test_the_sections_of_both_loops_are_in_the_page() -> None:
    page = performance_page.PAGE.read_text()
    for section in (performance_page.CLOSED_LOOP, performance_page.OPEN_LOOP):
        assert all(page.count(mark) == 1 for mark in performance_page.marks(section))


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "page.md"
    text.write_text("by hand")
    with pytest.raises(ValueError, match="has no marks"):
        performance_page.write("figures", "new", text)
    assert text.read_text() == "by hand"
