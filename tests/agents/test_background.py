"""The background thread of a web process."""

import pytest

from agents import background
from agents.history.activity import ActivityRecorder


@pytest.mark.usefixtures("database_away")
def test_it_survives_an_outage_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sleep after the failed pulse ends its loop here."""

    def sleep(_seconds: float) -> None:
        raise SystemExit

    monkeypatch.setattr("agents.background.time.sleep", sleep)
    with pytest.raises(SystemExit):
        background._run(ActivityRecorder())
