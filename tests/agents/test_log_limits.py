import pytest

from agents import log_limits
from agents.log_limits import LogLimit


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_limits, "time", clock)
    return clock


def test_one_line_passes_per_key_and_period(clock: Clock) -> None:
    limit = LogLimit(60)

    assert [limit.pass_line("a"), limit.pass_line("a"), limit.pass_line("b")] == ["", None, ""]
    clock.now += 59.9
    assert limit.pass_line("a") is None
    clock.now += 0.1
    assert limit.pass_line("a") == " (and 2 times before this)"
    assert limit.pass_line("b") == ""


def test_the_number_of_remembered_keys_is_bounded(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_limits, "MAX_KEYS", 3)
    limit = LogLimit(60)

    for number in range(10):
        assert limit.pass_line(str(number)) == ""
        assert len(limit._keys) <= 3
