"""The background threads of a web process."""

import threading

import pytest

from agents import background, tasks
from agents.history.activity import ActivityRecorder


@pytest.mark.usefixtures("database_away")
def test_the_background_thread_survives_a_database_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """SystemExit from the patched sleep ends the loop after one failed pulse."""

    def sleep(_seconds: float) -> None:
        raise SystemExit

    monkeypatch.setattr("agents.background.time.sleep", sleep)
    with pytest.raises(SystemExit):
        background._run(ActivityRecorder())


@pytest.mark.usefixtures("database_away")
def test_notifications_survive_a_database_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(_seconds: float) -> None:
        raise SystemExit

    is_ours = threading.Event()
    is_ours.set()
    monkeypatch.setattr("agents.background.time.sleep", sleep)
    with pytest.raises(SystemExit):
        background._notify(is_ours)
    tasks.send_notifications()
