"""How many agents have to expire at once for a purge to be held."""

import pytest
from hypothesis import given, settings, strategies

from agents import leases
from agents.leases.fleet.count import count_fleet
from agents.leases.purge.mass_expiry import Assessment, assess
from agents.leases.purge.silence import Share
from agents.models import AgentEvent, AgentRecord, SweepMark
from tests.agents.passing_time import fleet, time_passes

pytestmark = pytest.mark.django_db


def sweep() -> tuple[int, int]:
    """Return how many agents were purged, and how many were held."""
    purge = leases.purge_expired()
    return purge.purged, purge.held


@pytest.mark.parametrize(
    ("dead", "alive", "is_held"),
    [
        pytest.param(3, 0, False, id="a fleet of three"),
        pytest.param(9, 0, False, id="nine of nine"),
        pytest.param(10, 0, True, id="ten of ten"),
        pytest.param(10, 10, False, id="ten of twenty, exactly half"),
        pytest.param(11, 9, True, id="eleven of twenty"),
        pytest.param(40, 60, False, id="less than half"),
        pytest.param(100_000, 20_000, True, id="a hundred thousand at once"),
    ],
)
def test_a_purge_is_held_from_ten_agents_and_more_than_half_of_the_fleet(
    dead: int, alive: int, is_held: bool
) -> None:
    fleet(alive)
    fleet(dead, silent_for=70)

    assert assess(count_fleet()).must_hold is is_held
    if is_held:
        assert sweep() == (0, dead)
    elif dead < 1000:
        assert sweep() == (dead, 0)


def test_agents_that_expired_long_ago_are_purged_and_do_not_count() -> None:
    """Such agents pile up while the sweeper is down."""
    fleet(50, silent_for=60 + 15 * 60 + 1)
    fleet(5, silent_for=100)
    fleet(10)

    assert sweep() == (55, 0)


def test_a_sweeper_that_returns_in_an_outage_holds_the_recently_expired() -> None:
    fleet(50, silent_for=3600)
    fleet(20, silent_for=300)

    assert sweep() == (50, 20)


def test_leases_that_end_one_by_one_are_all_held() -> None:
    """When the first lease ends, all have been silent for two thirds of their TTL."""
    for seconds in range(0, 20, 1):
        fleet(1, silent_for=40.5 + seconds)
    total = AgentRecord.objects.count()

    for _ in range(20):
        purged, _held = sweep()
        assert purged == 0
        time_passes(1)

    assert sweep() == (0, total)


def test_agents_with_long_ttls_do_not_hide_an_outage() -> None:
    """A TTL of a day means hours between heartbeats: no silence shows yet."""
    fleet(60, silent_for=30, ttl=1)
    fleet(500, silent_for=5000, ttl=86_400)

    assert sweep() == (0, 60)


def test_a_few_agents_with_tiny_ttls_do_not_cause_a_hold() -> None:
    fleet(12, silent_for=30, ttl=1)
    fleet(500, ttl=60)

    assert sweep() == (12, 0)


def test_agents_with_short_ttls_do_not_hide_an_outage() -> None:
    fleet(50, ttl=1)
    fleet(500, silent_for=90, ttl=60)

    assert sweep() == (0, 500)


def test_a_few_with_short_ttls_in_a_large_fleet_are_purged() -> None:
    fleet(12, silent_for=30, ttl=10)
    fleet(500)

    assert sweep() == (12, 0)


@settings(max_examples=60)
@given(
    ages=strategies.lists(
        strategies.tuples(
            strategies.sampled_from([1, 2, 3, 60, 600, 86_400]), strategies.integers(0, 2000)
        ),
        max_size=40,
    )
)
def test_any_fleet_loses_only_expired_agents_and_holds_none_for_too_long(
    ages: list[tuple[int, int]],
) -> None:
    for model in (AgentRecord, AgentEvent, SweepMark):
        model.objects.all().delete()
    for ttl, age in ages:
        fleet(1, silent_for=age + 0.5, ttl=ttl)
    expired = sum(age >= ttl for ttl, age in ages)
    overdue = sum(age >= ttl + 900 for ttl, age in ages)
    silent = [(ttl, age) for ttl, age in ages if age >= -(-ttl * 2 // 3) and age < ttl + 900]
    living = [(ttl, age) for ttl, age in ages if age < ttl + 900]
    expected_heartbeats = [sum(86_400 // ttl for ttl, _ in some) for some in (silent, living)]
    is_significant = 10 * len(silent) >= len(living)
    most = 2 * len(silent) > len(living) or (
        is_significant and 2 * expected_heartbeats[0] > expected_heartbeats[1]
    )
    is_held = len(silent) >= 10 and most and expired > overdue

    assert sweep() == ((overdue, expired - overdue) if is_held else (expired, 0))


def test_a_silent_fleet_without_an_expired_agent_holds_nothing() -> None:
    share = Share(agents=20, heartbeats=20)
    assessment = Assessment(fleet=share, silent=share, expired=0, overdue=0, hold=None)

    assert not assessment.must_hold
