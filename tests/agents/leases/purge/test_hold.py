"""How a held purge begins, ends and is reported."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from agents import leases, tasks
from agents.leases.purge import registry_uptime
from agents.leases.purge.hold import LONGEST_HOLD, Hold, current_hold
from agents.leases.purge.sweep_mark import report_sweeps
from agents.models import AgentEvent, AgentRecord
from tests.agents.passing_time import (
    fleet,
    heartbeats,
    time_passes,
    time_passes_with_the_web_at_work,
)

pytestmark = pytest.mark.django_db


def sweep() -> tuple[int, int]:
    """Return how many agents were purged, and how many were held."""
    purge = leases.purge_expired()
    return purge.purged, purge.held


def registry_events() -> list[str]:
    return list(
        AgentEvent.objects.filter(agent_id="").order_by("id").values_list("kind", flat=True)
    )


def test_a_hold_leaves_listings_and_heartbeats_alone() -> None:
    ids = fleet(12, silent_for=70)
    sweep()

    assert not AgentRecord.objects.alive().exists()
    leases.renew(agent_id=ids[0])
    assert AgentRecord.objects.alive().get().agent_id == ids[0]


def test_a_hold_ends_when_most_agents_are_back() -> None:
    ids = fleet(12, silent_for=70)
    generations = dict(AgentRecord.objects.values_list("pk", "generation"))
    assert sweep() == (0, 12)
    time_passes(120)
    assert sweep() == (0, 12)

    heartbeats(ids[:9])

    assert sweep() == (3, 0)
    left = dict(AgentRecord.objects.values_list("pk", "generation"))
    assert left == {agent_id: generations[agent_id] for agent_id in ids[:9]}
    assert registry_events() == ["purge-held", "purge-resumed"]


def test_agents_that_are_not_back_when_a_hold_ends_get_one_more_ttl() -> None:
    registry_uptime.pulse()
    time_passes_with_the_web_at_work(600)
    ids = fleet(20, silent_for=70)
    assert sweep() == (0, 20)
    heartbeats(ids[:12])
    assert sweep() == (0, 0)

    time_passes_with_the_web_at_work(30)
    heartbeats(ids[:16])
    assert sweep() == (0, 0)
    time_passes_with_the_web_at_work(31)

    assert sweep() == (4, 0)
    assert registry_events() == ["purge-held", "purge-resumed"]


def test_a_hold_ends_after_fifteen_minutes_for_all_agents() -> None:
    fleet(12, silent_for=70)
    assert sweep() == (0, 12)
    time_passes(60)
    fleet(3, silent_for=61)
    assert sweep() == (0, 15)
    time_passes(13 * 60)
    assert sweep() == (0, 15)

    time_passes(61)

    assert sweep() == (15, 0)
    assert registry_events() == ["purge-held", "purge-resumed"]
    reason = AgentEvent.objects.get(kind="purge-resumed").reason
    assert reason == "held for 15 min 1 s, the longest allowed; 15 purged"


def test_a_hold_ends_after_fifteen_minutes_even_without_sweeps_in_between() -> None:
    fleet(12, silent_for=60 + 14 * 60)
    assert sweep() == (0, 12)

    time_passes(61)

    assert sweep() == (12, 0)


def test_short_lived_agents_do_not_extend_a_hold_forever() -> None:
    """Each minute twenty expire and are replaced."""
    fleet(60, silent_for=70)
    assert sweep() == (0, 60)
    held = 0
    for _ in range(20):
        time_passes(60)
        alive = AgentRecord.objects.filter(agent_id__startswith="short")
        heartbeats(list(alive.alive().order_by("-pk").values_list("pk", flat=True)[:20]))
        fleet(20, prefix="short")
        held += sweep()[1] > 0

    assert held < 16
    assert sweep()[1] == 0


def test_a_later_outage_is_held_again() -> None:
    fleet(12, silent_for=70)
    sweep()
    heartbeats()
    sweep()
    time_passes(70)

    assert sweep() == (0, 12)
    assert registry_events() == ["purge-held", "purge-resumed", "purge-held"]


def test_a_hold_does_not_outlive_a_sweeper_that_was_down() -> None:
    fleet(12, silent_for=70)
    sweep()
    time_passes(86_400)
    fleet(12, silent_for=70)

    assert sweep() == (12, 12)
    assert registry_events() == ["purge-held", "purge-held"]
    time_passes(60)
    assert sweep() == (0, 12)


def test_an_operator_can_purge_a_single_agent_during_a_hold() -> None:
    ids = fleet(12, silent_for=70)
    sweep()

    assert leases.purge_one(agent_id=ids[0], actor="admin:ada")
    assert AgentRecord.objects.count() == 11


def test_a_forced_purge_deletes_all_and_records_who_did_it() -> None:
    fleet(12, silent_for=70)
    fleet(2)
    sweep()

    purge = leases.purge_expired(actor="admin:ada", force=True)

    assert (purge.purged, purge.held) == (12, 0)
    assert AgentRecord.objects.count() == 2
    assert registry_events() == ["purge-held", "purge-forced"]
    event = AgentEvent.objects.get(kind="purge-forced")
    assert (event.actor, event.reason) == (
        "admin:ada",
        "12 of 14 agents are silent; 12 purged",
    )
    assert sweep() == (0, 0)
    assert registry_events() == ["purge-held", "purge-forced"]


def test_the_beginning_of_a_hold_is_recorded_once() -> None:
    fleet(12, silent_for=70)
    fleet(8)
    for _ in range(3):
        sweep()

    event = AgentEvent.objects.get(agent_id="")
    assert event.kind == "purge-held"
    assert event.actor == "sweep"
    assert event.reason == "12 of 20 agents are silent; 12 expired agents held"


def test_the_sweep_report_counts_held_and_purged() -> None:
    fleet(3, silent_for=70)
    sweep()
    fleet(12, silent_for=70)
    sweep()

    report = report_sweeps()
    assert (report.purged, report.held, report.purged_in_total) == (0, 12, 3)
    hold = current_hold()
    assert hold is not None
    assert abs((hold.until - timezone.now()).total_seconds() - 15 * 60) < 30


def test_the_beginning_and_end_of_a_hold_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    fleet(12, silent_for=70)
    for _ in range(3):
        assert tasks.purge_expired() == 0
    heartbeats()
    for _ in range(3):
        tasks.purge_expired()

    assert [record.message for record in caplog.records] == [
        "purging is held: 12 of 12 agents are silent; 12 expired agents held",
        "purging resumes: 0 of 12 agents are silent; 0 purged",
    ]


class TestCommand:
    def test_the_command_prints_how_many_are_held_why_and_until_when(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fleet(12, silent_for=70)

        call_command("purge_expired")

        hold = current_hold()
        assert hold is not None
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "0 purged"
        assert lines[1].startswith(
            f"12 held until {hold.until:%Y-%m-%d %H:%M:%S} UTC at the latest"
        )
        assert "the network is probably to blame" in lines[1]
        assert "--force" in lines[2]

    def test_a_dry_run_prints_what_would_be_held(self, capsys: pytest.CaptureFixture[str]) -> None:
        fleet(12, silent_for=70)

        call_command("purge_expired", "--dry-run")

        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "12 expired, none purged"
        assert lines[1].startswith("12 would be held:")
        assert not AgentEvent.objects.exists()

    def test_force_purges_all_expired(self, capsys: pytest.CaptureFixture[str]) -> None:
        fleet(12, silent_for=70)
        call_command("purge_expired")
        capsys.readouterr()

        call_command("purge_expired", "--force")

        assert capsys.readouterr().out == "12 purged\n"
        assert AgentEvent.objects.get(kind="purge-forced").actor == "command"


def test_a_hold_that_begins_in_the_future_is_over() -> None:
    now = timezone.now()
    assert Hold(since=now + timedelta(hours=1), lasted=timedelta(hours=-1)).is_over
    assert not Hold(since=now, lasted=timedelta(0)).is_over
    assert Hold(since=now - LONGEST_HOLD, lasted=LONGEST_HOLD).is_over
