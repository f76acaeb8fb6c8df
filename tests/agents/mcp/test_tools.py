"""Tools know what the rest of the registry knows."""

import pytest

from agents.discovery.filters import FILTERS
from agents.mcp.finding import FindAgents, GetAgent, get_agent
from agents.mcp.tool import Caller
from agents.states import Probe
from tests.agents.probes.probing import probed_agent

READER = Caller("anybody", may_operate=False)


def test_every_filter_of_the_list_is_an_argument() -> None:
    assert {one.name for one in FILTERS} <= set(FindAgents.model_fields)


@pytest.mark.django_db
@pytest.mark.usefixtures("probes_on")
def test_an_agent_is_described_with_what_probes_have_found() -> None:
    probed_agent(Probe.UNREACHABLE, agent_id="probed")

    found = get_agent(GetAgent(agent_id="probed"), READER)

    assert found["condition"] == "unreachable"
    assert found["facts"]["probe"].startswith("unreachable: ")
