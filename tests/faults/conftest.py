"""Fixtures for the tests of the test bed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.bed import Bed, FleetSize
from tests.faults.starting import running_bed

FEW = FleetSize(steady=40, mortal=10, rivals=4, newcomers=3, doomed=12, remote=6)


@pytest.fixture(scope="module")
def bed(postgres_programs: Path, redis_program: str) -> Iterator[Bed]:
    """A registry on PostgreSQL and Redis, with two web servers and a small fleet."""
    with running_bed(postgres_programs, size=FEW) as bed:
        yield bed
