"""Too many agents that expire at once are not purged for a while; everything else goes on."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies

from agents import leases, tasks
from agents.leases.purge import registry_uptime
from agents.leases.purge.hold import LONGEST_HOLD, Hold, current_hold
from agents.leases.purge.mass_expiry import Assessment, Share, assess_fleet
from agents.leases.purge.sweep_mark import report_sweeps
from agents.models import AgentEvent, AgentRecord, SweepMark
from tests.agents.passing_time import (
    fleet,
    heartbeats,
    time_passes,
    time_passes_with_the_web_at_work,
)

pytestmark = pytest.mark.django_db


def sweep() -> tuple[int, int]:
    """Return how many were purged, and how many were held."""
    purge = leases.purge_expired()
    return purge.purged, purge.held


def registry_events() -> list[str]:
    return list(
        AgentEvent.objects.filter(agent_id="").order_by("id").values_list("kind", flat=True)
    )


class TestHowManyAreTooMany:
    @pytest.mark.parametrize(
        ("dead", "alive", "is_held"),
        [
            pytest.param(3, 0, False, id="a fleet of three"),
            pytest.param(9, 0, False, id="nine of nine"),
            pytest.param(10, 0, True, id="ten of ten"),
            pytest.param(10, 10, False, id="ten of twenty, exactly half"),
            pytest.param(11, 9, True, id="eleven of twenty"),
            pytest.param(40, 60, False, id="less than half"),
            pytest.param(100_000, 20_000, True, id="a hundred thousand at once"),
        ],
    )
    def test_ten_and_more_than_half_of_the_fleet(
        self, dead: int, alive: int, is_held: bool
    ) -> None:
        fleet(alive)
        fleet(dead, silent_for=70)

        assert assess_fleet().must_hold is is_held
        if is_held:
            assert sweep() == (0, dead)
        elif dead < 1000:
            assert sweep() == (dead, 0)

    def test_who_expired_long_ago_does_not_count_and_is_purged(self) -> None:
        """A sweeper that was away for an hour finds what has died since then, one by one."""
        fleet(50, silent_for=60 + 15 * 60 + 1)
        fleet(5, silent_for=100)
        fleet(10)

        assert sweep() == (55, 0)

    def test_a_sweeper_that_comes_back_while_the_network_is_gone_holds_what_is_new(self) -> None:
        fleet(50, silent_for=3600)
        fleet(20, silent_for=300)

        assert sweep() == (50, 20)

    def test_leases_that_end_one_after_the_other_are_all_held(self) -> None:
        """When the first lease ends, the others are silent for two thirds of their TTL already."""
        for seconds in range(0, 20, 1):
            fleet(1, silent_for=40.5 + seconds)
        total = AgentRecord.objects.count()

        for _ in range(20):
            purged, _held = sweep()
            assert purged == 0
            time_passes(1)

        assert sweep() == (0, total)

    def test_agents_with_long_ttls_do_not_hide_that_nothing_is_heard(self) -> None:
        """A day's TTL means hours between heartbeats: that they are not missed says nothing."""
        fleet(60, silent_for=30, ttl=1)
        fleet(500, silent_for=5000, ttl=86_400)

        assert sweep() == (0, 60)

    def test_a_handful_with_tiny_ttls_does_not_speak_for_a_fleet(self) -> None:
        fleet(12, silent_for=30, ttl=1)
        fleet(500, ttl=60)

        assert sweep() == (12, 0)

    def test_agents_with_short_ttls_do_not_hide_that_most_are_gone(self) -> None:
        fleet(50, ttl=1)
        fleet(500, silent_for=90, ttl=60)

        assert sweep() == (0, 500)

    def test_among_many_others_a_few_with_short_ttls_are_purged(self) -> None:
        fleet(12, silent_for=30, ttl=10)
        fleet(500)

        assert sweep() == (12, 0)

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        ages=strategies.lists(
            strategies.tuples(
                strategies.sampled_from([1, 2, 3, 60, 600, 86_400]), strategies.integers(0, 2000)
            ),
            max_size=40,
        )
    )
    def test_whatever_the_fleet_only_the_expired_go_and_nobody_waits_longer_than_allowed(
        self, ages: list[tuple[int, int]]
    ) -> None:
        for model in (AgentRecord, AgentEvent, SweepMark):
            model.objects.all().delete()
        for ttl, age in ages:
            fleet(1, silent_for=age + 0.5, ttl=ttl)
        expired = sum(age >= ttl for ttl, age in ages)
        overdue = sum(age >= ttl + 900 for ttl, age in ages)
        silent = [(ttl, age) for ttl, age in ages if age >= -(-ttl * 2 // 3) and age < ttl + 900]
        living = [(ttl, age) for ttl, age in ages if age < ttl + 900]
        owed = [sum(86_400 // ttl for ttl, _ in some) for some in (silent, living)]
        speak = 10 * len(silent) >= len(living)
        most = 2 * len(silent) > len(living) or (speak and 2 * owed[0] > owed[1])
        is_held = len(silent) >= 10 and most and expired > overdue

        assert sweep() == ((overdue, expired - overdue) if is_held else (expired, 0))


class TestHolding:
    def test_neither_the_listing_nor_heartbeats_are_held(self) -> None:
        ids = fleet(12, silent_for=70)
        sweep()

        assert not AgentRecord.objects.alive().exists()
        leases.renew(agent_id=ids[0])
        assert AgentRecord.objects.alive().get().agent_id == ids[0]

    def test_the_agents_come_back_and_the_hold_is_over(self) -> None:
        ids = fleet(12, silent_for=70)
        generations = dict(AgentRecord.objects.values_list("pk", "generation"))
        assert sweep() == (0, 12)
        time_passes(120)
        assert sweep() == (0, 12)

        heartbeats(ids[:9])  # three of them are dead indeed

        assert sweep() == (3, 0)
        left = dict(AgentRecord.objects.values_list("pk", "generation"))
        assert left == {agent_id: generations[agent_id] for agent_id in ids[:9]}
        assert registry_events() == ["purge-held", "purge-resumed"]

    def test_who_is_not_back_with_the_first_has_one_ttl_more(self) -> None:
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

    def test_it_ends_after_fifteen_minutes_for_all(self) -> None:
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
        assert reason == "held for 15 min 1 s, as long as may be; 15 purged"

    def test_without_sweeps_in_between_nobody_is_held_longer_than_fifteen_minutes(self) -> None:
        fleet(12, silent_for=60 + 14 * 60)
        assert sweep() == (0, 12)

        time_passes(61)

        assert sweep() == (12, 0)

    def test_agents_that_live_shortly_do_not_feed_a_hold_for_ever(self) -> None:
        """Twenty die in each minute, and are replaced: one by one, they would be purged."""
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

    def test_the_next_one_can_be_held_again(self) -> None:
        fleet(12, silent_for=70)
        sweep()
        heartbeats()
        sweep()
        time_passes(70)

        assert sweep() == (0, 12)
        assert registry_events() == ["purge-held", "purge-resumed", "purge-held"]

    def test_a_hold_from_before_the_sweeper_died_does_not_count(self) -> None:
        fleet(12, silent_for=70)
        sweep()
        time_passes(86_400)
        fleet(12, silent_for=70)

        assert sweep() == (12, 12)
        assert registry_events() == ["purge-held", "purge-held"]
        time_passes(60)
        assert sweep() == (0, 12)

    def test_an_operator_can_purge_one_of_them(self) -> None:
        ids = fleet(12, silent_for=70)
        sweep()

        assert leases.purge_one(agent_id=ids[0], actor="admin:ada")
        assert AgentRecord.objects.count() == 11

    def test_forced_all_expired_go_and_the_history_tells_who_did_it(self) -> None:
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

    def test_the_begin_is_told_once_with_the_numbers(self) -> None:
        fleet(12, silent_for=70)
        fleet(8)
        for _ in range(3):
            sweep()

        event = AgentEvent.objects.get(agent_id="")
        assert event.kind == "purge-held"
        assert event.actor == "sweep"
        assert event.reason == "12 of 20 agents are silent; 12 that expired are kept"

    def test_the_mark_tells_how_many_are_held_and_how_many_went_in_all(self) -> None:
        fleet(3, silent_for=70)
        sweep()
        fleet(12, silent_for=70)
        sweep()

        report = report_sweeps()
        assert (report.purged, report.held, report.purged_in_total) == (0, 12, 3)
        hold = current_hold()
        assert hold is not None
        assert abs((hold.until - timezone.now()).total_seconds() - 15 * 60) < 30

    def test_the_log_has_a_line_for_the_begin_and_one_for_the_end(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        fleet(12, silent_for=70)
        for _ in range(3):
            assert tasks.purge_expired() == 0
        heartbeats()
        for _ in range(3):
            tasks.purge_expired()

        assert [record.message for record in caplog.records] == [
            "purging is held: 12 of 12 agents are silent; 12 that expired are kept",
            "purging goes on: 0 of 12 agents are silent; 0 purged",
        ]


class TestTheCommand:
    def test_it_says_how_many_are_held_why_and_until_when(
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

    def test_a_dry_run_tells_of_what_would_be_held(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fleet(12, silent_for=70)

        call_command("purge_expired", "--dry-run")

        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "12 expired, none purged"
        assert lines[1].startswith("12 would be held:")
        assert not AgentEvent.objects.exists()

    def test_forced_it_purges_all_that_expired(self, capsys: pytest.CaptureFixture[str]) -> None:
        fleet(12, silent_for=70)
        call_command("purge_expired")
        capsys.readouterr()

        call_command("purge_expired", "--force")

        assert capsys.readouterr().out == "12 purged\n"
        assert AgentEvent.objects.get(kind="purge-forced").actor == "command"


def test_nothing_is_held_where_nothing_has_expired() -> None:
    share = Share(agents=20, heartbeats=20)
    assessment = Assessment(fleet=share, silent=share, expired=0, overdue=0, hold=None)

    assert not assessment.must_hold


def test_a_hold_that_the_clock_has_put_into_the_future_is_over() -> None:
    now = timezone.now()
    assert Hold(since=now + timedelta(hours=1), lasted=timedelta(hours=-1)).is_over
    assert not Hold(since=now, lasted=timedelta(0)).is_over
    assert Hold(since=now - LONGEST_HOLD, lasted=LONGEST_HOLD).is_over
