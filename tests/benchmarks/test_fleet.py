"""The simulator checks a correct registry, and registries with one fault each."""

import io
from dataclasses import replace

import pytest

from benchmarks.fleet.agent import MAX_DEATH_DELAY, Agent
from benchmarks.fleet.costs import Meter
from benchmarks.fleet.plan import Plan
from benchmarks.fleet.progress import Progress
from benchmarks.fleet.report import report
from benchmarks.fleet.results import Results
from benchmarks.fleet.run import Run
from tests.benchmarks.fake_registry import Faults, fake_registry

QUIET = Plan(
    agents=20, ttl=1, duration=0.3, deaths=0, restarts=0, stops=0, bad=0, listing_interval=0.1
)


def results_of(plan: Plan, faults: Faults | None = None) -> Results:
    """Run a plan against a registry with these faults; return the results."""
    with fake_registry(faults) as registry:
        run = Run(plan, registry.address, Meter(), Progress(io.StringIO()))
        run.execute()
        return run.results


def test_a_correct_registry_gives_a_clean_result() -> None:
    # The longer lease allows for a busy machine.
    plan = replace(QUIET, ttl=2, duration=0.8, deaths=0.1, restarts=0.2, stops=0.1, bad=1.0)
    results = results_of(plan)
    assert results.is_clean, report(results, None, 0)
    assert results.responses["register", 201] >= 20
    assert results.responses["heartbeat", 200] >= 20
    assert len(results.death_delays) == 2
    assert max(results.death_delays) < MAX_DEATH_DELAY
    assert (results.restarts, results.stops) == (4, 2)
    assert results.responses["late heartbeat of an old process", 409] == 4
    assert results.listings > 0
    assert {what for what, _ in results.bad_client_responses} >= {
        "a wrong lease token",
        "a body that is not JSON",
        "an unknown field",
        "half a request",
        "a slow client's heartbeat",
    }


def test_relays_send_the_heartbeats_of_all_agents_but_the_singles() -> None:
    plan = replace(QUIET, ttl=2, duration=2, deaths=0.1, restarts=0.2, stops=0.1, bad=1.0)
    results = results_of(replace(plan, relays=2, singles=5))

    assert results.is_clean, report(results, None, 0)
    assert results.responses["bulk heartbeat", 200] == len(results.bulk_latencies) >= 4
    assert results.relayed >= 20
    assert len(results.latencies) >= 5
    assert results.heartbeats == results.relayed + len(results.latencies)
    assert (len(results.death_delays), results.restarts, results.stops) == (2, 4, 2)
    assert "by relays" in report(results, None, 0)


def test_an_agent_that_is_forgotten_behind_a_relay_is_detected() -> None:
    plan = replace(QUIET, relays=1, singles=0, duration=1.0, listing_interval=60.0)
    results = results_of(plan, Faults(forgets_after_beats=1))
    assert results.false_expiries
    assert results.errors["bulk heartbeat: unknown"] >= 1


def test_at_most_a_thousand_agents_die_in_the_largest_fleet() -> None:
    assert replace(QUIET, agents=1_000_000).count(0.01) == 1_000


@pytest.mark.parametrize(
    "faults",
    [Faults(read_seconds=MAX_DEATH_DELAY + 0.5), Faults(listing_seconds=2 * MAX_DEATH_DELAY)],
    ids=["read by its id", "in the listing"],
)
def test_a_dead_agent_that_is_kept_too_long_is_detected(faults: Faults) -> None:
    results = results_of(replace(QUIET, deaths=0.05), faults)
    assert len(results.missed_deaths) == 1
    assert not results.is_clean


def test_a_death_reported_within_a_second_is_not_missed() -> None:
    results = results_of(replace(QUIET, deaths=0.05), Faults(read_seconds=0.3, listing_seconds=0.3))
    assert results.is_clean
    assert 0.3 <= results.death_delays[0] < MAX_DEATH_DELAY


@pytest.mark.parametrize(
    ("late", "is_clean"), [(MAX_DEATH_DELAY, True), (MAX_DEATH_DELAY + 0.001, False)]
)
def test_a_death_reported_after_more_than_a_second_is_an_error(late: float, is_clean: bool) -> None:
    assert Results(death_delays=[0.1, late]).is_clean is is_clean


def test_a_lease_that_ends_too_early_is_detected_at_a_death() -> None:
    # Neither a heartbeat nor the listing would show it.
    results = results_of(replace(QUIET, deaths=0.05), Faults(read_seconds=-0.6))
    assert len(results.false_expiries) == 1
    assert not results.is_clean


def test_a_living_agent_that_is_forgotten_is_detected() -> None:
    # It registers again at once, so the listing would not show it.
    plan = replace(QUIET, duration=1.0, listing_interval=60.0)
    results = results_of(plan, Faults(forgets_after_beats=1))
    assert results.false_expiries
    assert results.errors["heartbeat: 404"] >= 1
    assert not results.is_clean


def test_a_living_agent_that_is_not_listed_is_detected() -> None:
    results = results_of(QUIET, Faults(listing_leaves_out="-7"))
    assert [agent_id.rpartition("-")[2] for agent_id in results.false_expiries] == ["7"]
    assert not results.errors


def test_a_deregistered_agent_that_remains_is_detected() -> None:
    plan = replace(QUIET, stops=0.05, listing_interval=60.0)
    results = results_of(plan, Faults(keeps_deregistered=True))
    assert len(results.missed_deaths) == 1
    assert not results.is_clean


def test_an_old_process_that_keeps_the_lease_is_detected() -> None:
    results = results_of(replace(QUIET, restarts=0.05), Faults(takes_old_tokens=True))
    assert results.errors == {"late heartbeat of an old process: 200": 1}


def test_an_unreachable_registry_is_an_error() -> None:
    with fake_registry() as registry:
        address = registry.address
    plan = replace(QUIET, agents=1)
    run = Run(plan, address, Meter(), Progress(io.StringIO()))
    run._fleet.begin()
    while not run.results.errors:
        run._poller.turn()
    assert run.results.errors == {"register: Connection refused": 1}
    assert not run.is_over
    run._poller.close()


@pytest.mark.parametrize(
    ("received", "must_be_alive"), [(61.0, True), (61.000_001, False)], ids=["at", "after"]
)
def test_a_lease_lasts_from_the_time_the_request_was_sent(
    received: float, must_be_alive: bool
) -> None:
    agent = Agent("a")
    agent.renewed(sent=1.0, received=2.0)
    assert agent.must_be_alive(received, ttl=60) is must_be_alive


@pytest.mark.parametrize(
    ("sent", "must_be_gone"), [(62.999_999, False), (63.0, True)], ids=["before", "at"]
)
def test_a_death_counts_from_the_answer_to_the_last_renewal(
    sent: float, must_be_gone: bool
) -> None:
    agent = Agent("a")
    agent.renewed(sent=1.0, received=2.0)
    assert agent.must_be_gone(sent, ttl=60) is must_be_gone
