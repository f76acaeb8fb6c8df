"""Single failures and successes change nothing, and flapping agents take longer to come back."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies

from agents.probes.damping import Findings, Thresholds, judge
from agents.probes.result import Outcome, Result
from agents.states import Probe

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
THRESHOLDS = Thresholds(failures=3, successes=2)
RESULTS = {
    "+": Result(Outcome.ANSWERS, "200 OK"),
    "-": Result(Outcome.NOT_READY, "503 Service Unavailable"),
    "x": Result(Outcome.UNREACHABLE, "connection refused"),
    "?": Result(Outcome.NOT_ALLOWED, "10.0.0.1 is not in the allowed networks"),
}
FAILED = (Probe.NOT_READY, Probe.UNREACHABLE, Probe.FLAPPING)


def after(signs: Iterable[str], findings: Findings | None = None, now: datetime = NOW) -> Findings:
    """Return what is known after probes: good (+), not ready (-), no answer (x), forbidden (?)."""
    findings = findings or Findings()
    for sign in signs:
        findings = judge(findings, RESULTS[sign], now, THRESHOLDS)
    return findings


@pytest.mark.parametrize(
    ("signs", "verdict", "reason"),
    [
        ("", Probe.NOT_PROBED, ""),
        ("+", Probe.ANSWERS, "200 OK"),
        ("-", Probe.NOT_PROBED, "1 of 3 failures in a row: 503 Service Unavailable"),
        ("+--", Probe.ANSWERS, "2 of 3 failures in a row: 503 Service Unavailable"),
        ("+--+--", Probe.ANSWERS, "2 of 3 failures in a row: 503 Service Unavailable"),
        ("+---", Probe.NOT_READY, "503 Service Unavailable"),
        ("+--x", Probe.UNREACHABLE, "connection refused"),
        ("+---x", Probe.UNREACHABLE, "connection refused"),
        ("+xxx-", Probe.NOT_READY, "503 Service Unavailable"),
        ("xxx+", Probe.UNREACHABLE, "1 of 2 good answers in a row: 200 OK"),
        ("xxx+x+", Probe.UNREACHABLE, "1 of 2 good answers in a row: 200 OK"),
        ("xxx++", Probe.ANSWERS, "200 OK"),
        ("+?", Probe.NOT_PROBED, "10.0.0.1 is not in the allowed networks"),
        ("xxx?", Probe.NOT_PROBED, "10.0.0.1 is not in the allowed networks"),
        ("xx?x", Probe.NOT_PROBED, "1 of 3 failures in a row: connection refused"),
    ],
)
def test_several_in_a_row_decide(signs: str, verdict: Probe, reason: str) -> None:
    found = after(signs)

    assert (found.verdict, found.reason) == (verdict, reason)


def test_the_second_time_within_an_hour_it_takes_twice_as_many_successes() -> None:
    fallen = after("xxx++xxx")

    assert after("+++", fallen).verdict == Probe.UNREACHABLE
    assert after("+++", fallen).reason == "3 of 4 good answers in a row: 200 OK"
    assert after("++++", fallen).verdict == Probe.ANSWERS


def test_from_the_third_time_on_an_agent_flaps() -> None:
    flapping = after("xxx++xxx++++xxx")

    assert flapping.verdict == Probe.FLAPPING
    assert flapping.reason == "failed 3 times lately; connection refused"
    assert after("-", flapping).verdict == Probe.FLAPPING
    assert after("+" * 7, flapping).verdict == Probe.FLAPPING
    assert after("+" * 7, flapping).reason == (
        "failed 3 times lately; 7 of 8 good answers in a row: 200 OK"
    )
    assert after("+" * 8, flapping).verdict == Probe.ANSWERS


def test_it_takes_at_most_sixteen_times_as_many_successes() -> None:
    flapping = replace(after("xxx"), falls=50)

    assert after("+" * 31, flapping).verdict == Probe.FLAPPING
    assert after("+" * 32, flapping).verdict == Probe.ANSWERS


@pytest.mark.parametrize("passed", [timedelta(hours=1), timedelta(seconds=-1)])
def test_what_was_an_hour_ago_is_forgotten(passed: timedelta) -> None:
    """So is what a clock that was set back puts into the future."""
    flapping = after("xxx++xxx++++xxx")
    almost = NOW + timedelta(hours=1) - timedelta(microseconds=1)

    assert after("x", flapping, almost).verdict == Probe.FLAPPING
    assert after("x", flapping, NOW + passed).verdict == Probe.UNREACHABLE
    assert after("+", flapping, NOW + passed).verdict == Probe.NOT_READY
    assert after("++", flapping, NOW + passed).verdict == Probe.ANSWERS
    assert after("++xxx", flapping, NOW + passed).falls == 1


@given(signs=strategies.text(alphabet="+-x?", max_size=60))
def test_a_verdict_changes_only_after_enough_in_a_row(signs: str) -> None:
    findings = Findings()
    for place, sign in enumerate(signs, start=1):
        before, findings = findings, after(sign, findings)
        has_failed = findings.verdict in FAILED
        assert findings.has_failed is has_failed
        assert not (findings.failures and findings.successes)
        if has_failed and not before.has_failed:
            assert set(signs[place - 3 : place]) <= {"-", "x"}
        if before.has_failed and findings.verdict == Probe.ANSWERS:
            assert signs[place - 2 : place] == "++"
