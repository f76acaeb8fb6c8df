"""A few of the faults of `make faults`, so that each test run checks the test bed."""

import pytest

from tests.faults.bed import Bed
from tests.faults.faults import FAULTS, Fault

pytestmark = pytest.mark.integration

# The most damaging ones that are quick: a minute and a half together.
QUICK = ("web", "postgres", "postgres-frozen", "agents", "restore")


@pytest.mark.parametrize("fault", [pytest.param(f, id=f.name) for f in FAULTS if f.name in QUICK])
def test_the_registry_survives_a_fault(bed: Bed, fault: Fault) -> None:
    fault.inject(bed)

    assert bed.check() == []  # before new heartbeats hide lost ones
    bed.settle()
    assert bed.check() == []


def test_a_lost_record_is_detected(bed: Bed) -> None:
    """A record disappears without an event."""
    agent_id = "main-0"
    known = bed.generations(agent_id)[agent_id]

    sql = f"DELETE FROM agents_agentrecord WHERE agent_id = '{agent_id}'"  # noqa: S608 - ours
    bed.cluster.run("psql", "--quiet", f"--command={sql}")

    bed.settle()  # until the agent got 404 and registered again
    expected = f"{agent_id}: heartbeat of {known} was refused: 404"
    assert any(breach.text.startswith(expected) for breach in bed.check())
