import pytest

from agents.leases.fleet.troubled import find_troubled
from agents.states import Probe
from tests.agents.probes.probing import probed_agent, probes_on

__all__ = ["probes_on"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("probes_on")]


def test_of_an_agent_that_fails_its_probes_the_finding_is_the_reason() -> None:
    probed_agent(Probe.NOT_READY, agent_id="a", note="all is well")

    [found] = find_troubled()

    assert (found.agent_id, found.word) == ("a", Probe.NOT_READY)
    assert found.reason == "503 Service Unavailable"
