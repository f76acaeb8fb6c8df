"""One pass over the fleet counts it by lease, by silence and by state."""

import pytest
from hypothesis import given, settings, strategies

from agents.leases.fleet.count import count_fleet
from agents.leases.purge.silence import Share, Silence
from agents.models import AgentRecord
from agents.states import Lease, State
from tests.agents.passing_time import fleet
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def test_an_empty_fleet_is_counted_too() -> None:
    count = count_fleet()

    assert (count.registered, count.active) == (0, 0)
    assert set(count.leases.values()) == {0}
    assert count.share(*Silence) == Share()


@settings(max_examples=40)
@given(
    agents=strategies.lists(
        strategies.tuples(
            strategies.sampled_from([1, 2, 3, 60, 600, 86_400]),
            strategies.integers(0, 2000),
            strategies.sampled_from(State),
        ),
        max_size=30,
    )
)
def test_the_counts_are_those_of_the_filters(agents: list[tuple[int, int, State]]) -> None:
    AgentRecord.objects.all().delete()
    for ttl, age, state in agents:
        (agent_id,) = fleet(1, silent_for=age + 0.5, ttl=ttl)
        AgentRecord.objects.filter(pk=agent_id).update(state=state)
    found = AgentRecord.objects

    count = count_fleet()

    assert count.registered == len(agents)
    assert count.active == found.alive().count()
    assert count.leases == {
        Lease.ALIVE: found.alive().count(),
        Lease.EXPIRING_SOON: found.expiring_soon().count(),
        Lease.EXPIRED: found.expired().count(),
    }
    for state in State:
        in_state = found.filter(state=state)
        assert count.in_state(state, expired=False) == in_state.alive().count()
        assert count.in_state(state, expired=True) == in_state.expired().count()
        assert count.states.get(state, in_state.count()) == in_state.count()


@pytest.mark.parametrize(
    ("silent_for", "silence"),
    [
        (39, Silence.HEARD),
        (41, Silence.SILENT),
        (59, Silence.SILENT),
        (61, Silence.EXPIRED),
        (61 + 15 * 60, Silence.OVERDUE),
    ],
)
def test_agents_are_counted_by_their_silence_with_the_heartbeats_that_they_owe(
    silent_for: float, silence: Silence
) -> None:
    fleet(2, silent_for=silent_for, ttl=60)
    fleet(1, ttl=60)

    share = count_fleet().share(silence)

    agents = 3 if silence is Silence.HEARD else 2
    assert share == Share(agents, agents * 1440)


def test_a_state_that_only_a_newer_version_knows_counts_as_registered() -> None:
    AgentFactory.create(state="hibernating")

    assert count_fleet().registered == count_fleet().active == 1
