"""A few of the faults, so that each run of the tests shows that the bed works: `make faults`."""

import pytest

from tests.faults.bed import Bed
from tests.faults.faults import FAULTS, Fault

pytestmark = pytest.mark.integration

# The five that hurt the most in the least time: a minute and a half together.
QUICK = ("web", "postgres", "postgres-frozen", "agents", "restore")


@pytest.mark.parametrize("fault", [pytest.param(f, id=f.name) for f in FAULTS if f.name in QUICK])
def test_the_registry_survives(bed: Bed, fault: Fault) -> None:
    fault.inject(bed)

    assert bed.check() == []  # before new heartbeats hide that others were lost
    bed.settle()
    assert bed.check() == []


def test_a_breach_of_trust_is_seen(bed: Bed) -> None:
    """What a registry that forgets would look like: a record goes, and its history does not say."""
    agent_id = "main-0"
    known = bed.generations(agent_id)[agent_id]

    sql = f"DELETE FROM agents_agentrecord WHERE agent_id = '{agent_id}'"  # noqa: S608 - ours
    bed.cluster.run("psql", "--quiet", f"--command={sql}")

    bed.settle()  # it was told that it is unknown, and has registered again
    told = f"{agent_id}: heartbeat of {known} was refused: 404"
    assert any(breach.text.startswith(told) for breach in bed.check())
