"""How long the process of the tests seems to run. It says when no sweep has come for too long."""

import time

import pytest


@pytest.fixture
def sweeps_are_due(just_started: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that was started long ago."""
    monkeypatch.setattr("agents.leases.purge.sweep_mark._started", float("-inf"))


@pytest.fixture(autouse=True)
def just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.leases.purge.sweep_mark._started", time.monotonic())
