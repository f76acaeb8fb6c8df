import math
from collections.abc import Callable

import pytest
from django.db import OperationalError

from agents import tasks
from agents.database import availability
from agents.database.availability import log_unavailable
from agents.log_limits import LogLimit


@pytest.fixture(autouse=True)
def fresh_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has just started."""
    limit = LogLimit(availability.SECONDS_BETWEEN_LINES)
    monkeypatch.setattr(availability, "_limit", limit)


def test_a_flood_of_errors_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(1000):
        log_unavailable(OperationalError("connection refused\n  Is the server running?\n"))

    assert caplog.messages == [
        "the database does not answer: connection refused Is the server running?"
    ]


def test_after_a_while_an_error_is_logged_again_with_the_number_of_repeats(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(8):
        log_unavailable(OperationalError("locked"))
    monkeypatch.setattr("agents.log_limits.time.monotonic", lambda: math.inf)
    log_unavailable(OperationalError())

    assert caplog.messages[1:] == [
        "the database does not answer: OperationalError (and 7 times before this)"
    ]


@pytest.mark.parametrize(
    "task", [tasks.purge_expired, tasks.delete_old_history, tasks.probe_agents]
)
def test_a_task_without_the_database_does_not_raise(
    database_away: None, task: Callable[[], int | None]
) -> None:
    assert task() is None
