"""Tasks and commands leave the same rows as calling `leases` directly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import leases, tasks
from agents.leases.purge.sweep_mark import report_sweeps
from agents.models import AgentEvent, AgentRecord, SweepMark
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

HEARTBEAT = datetime(2026, 1, 1, tzinfo=UTC)


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("purge_expired", *arguments, stdout=output)
    return output.getvalue()


def rows_after(purge: Callable[[], Any]) -> Any:
    """Return the rows left by a purge of one living and two dead agents, without varying fields."""
    AgentFactory.create(agent_id="alive", last_heartbeat=datetime(2126, 1, 1, tzinfo=UTC))
    for number in range(2):
        AgentFactory.create(agent_id=f"dead-{number}", last_heartbeat=HEARTBEAT, generation=number)
    purge()
    agents = list(AgentRecord.objects.order_by("pk").values("agent_id", "last_heartbeat"))
    events = sorted(AgentEvent.objects.values_list("agent_id", "kind", "generation", "reason"))
    marks = list(SweepMark.objects.values_list("id", "purged"))
    for model in (AgentRecord, AgentEvent, SweepMark):
        model.objects.all().delete()
    return agents, events, marks


def test_the_task_and_the_command_leave_the_same_rows_as_the_leases() -> None:
    expected = rows_after(leases.purge_expired)

    assert [agent["agent_id"] for agent in expected[0]] == ["alive"]
    assert len(expected[1]) == 4
    assert expected[2] == [(1, 2)]
    assert rows_after(tasks.purge_expired) == expected
    assert rows_after(command) == expected
    assert rows_after(lambda: command("--batch-size", "1")) == expected


def test_the_history_records_who_purged() -> None:
    AgentFactory.create(expired=True)
    tasks.purge_expired()
    AgentFactory.create(expired=True)
    command()

    purged = AgentEvent.objects.filter(kind="purged").order_by("id")
    assert [event.actor for event in purged] == ["sweep", "command"]


def test_the_command_prints_the_count() -> None:
    AgentFactory.create_batch(3, expired=True)

    assert command() == "3 purged\n"
    assert command() == "0 purged\n"


def test_a_dry_run_counts_and_changes_nothing() -> None:
    AgentFactory.create_batch(3, expired=True)
    AgentFactory.create()

    assert command("--dry-run") == "3 expired, none purged\n"
    assert AgentRecord.objects.count() == 4
    assert not AgentEvent.objects.exists()
    assert not SweepMark.objects.exists()


@pytest.mark.parametrize("size", ["0", "-1", "many"])
def test_an_invalid_batch_size_is_refused(size: str) -> None:
    with pytest.raises(CommandError, match="--batch-size"):
        command("--batch-size", size)


@pytest.mark.parametrize("batch_size", [3, 6, 7])
def test_the_task_uses_the_batch_size_of_the_settings(settings: Any, batch_size: int) -> None:
    """A full batch is followed by another query, since there may be more."""
    settings.SWEEP_BATCH_SIZE = batch_size
    AgentFactory.create_batch(6, expired=True)

    with CaptureQueriesContext(connection) as queries:
        assert tasks.purge_expired() == 6

    statements = [query["sql"] for query in queries.captured_queries]
    assert sum(f"LIMIT {batch_size}" in sql for sql in statements) >= 6 // batch_size + 1


def test_events_older_than_the_configured_age_are_deleted(settings: Any) -> None:
    settings.EVENT_RETENTION_DAYS = 7
    for days in (6, 8):
        at = timezone.now() - timedelta(days=days)
        AgentEvent.objects.create(agent_id="a", kind="expired", at=at, actor="registry")

    assert tasks.delete_old_history() == 1
    assert AgentEvent.objects.count() == 1


class TestSweepReport:
    def test_every_sweep_is_recorded_even_if_nothing_was_purged(self) -> None:
        assert report_sweeps().last_purge is None
        leases.purge_expired()
        first = report_sweeps().last_purge
        leases.purge_expired()
        second = report_sweeps().last_purge

        assert first is not None
        assert second is not None
        assert second >= first
        assert SweepMark.objects.count() == 1

    @pytest.mark.parametrize(("missed", "overdue"), [(3.9, False), (4.1, True)])
    def test_sweeps_are_overdue_after_four_were_missed(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch, missed: float, overdue: bool
    ) -> None:
        settings.SWEEP_INTERVAL_SECONDS = 100
        long_ago = timezone.now() - timedelta(days=1)
        monkeypatch.setattr("agents.leases.purge.sweep_mark._started", float("-inf"))
        SweepMark.objects.create(at=long_ago, purged=0)
        assert report_sweeps().overdue

        SweepMark.objects.update(at=timezone.now() - timedelta(seconds=missed * 100))
        assert report_sweeps().overdue is overdue

    def test_sweeps_are_not_overdue_right_after_a_start(self, settings: Any) -> None:
        settings.SWEEP_INTERVAL_SECONDS = 3600
        SweepMark.objects.create(at=timezone.now() - timedelta(days=30), purged=0)

        assert not report_sweeps().overdue

    def test_a_registry_that_never_swept_is_overdue(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agents.leases.purge.sweep_mark._started", float("-inf"))

        assert report_sweeps().overdue
