"""No agent is purged for heartbeats it missed while the registry was down."""

import pytest
from django.core.management import call_command

from agents import leases
from agents.leases.purge import registry_uptime
from agents.models import AgentRecord, Uptime
from tests.agents.passing_time import (
    fleet,
    heartbeats,
    time_passes,
    time_passes_with_the_web_at_work,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def up() -> None:
    """A registry that has been up for a day."""
    registry_uptime.pulse()
    time_passes_with_the_web_at_work(86_400)


def row() -> Uptime:
    return Uptime.objects.get()


class TestPulse:
    def test_the_first_pulse_begins_the_uptime(self) -> None:
        registry_uptime.pulse()

        assert row().up_since == row().seen_at
        report = registry_uptime.report_uptime()
        assert report is not None
        assert report.is_at_work

    @pytest.mark.usefixtures("up")
    def test_a_pulse_is_written_once_in_two_seconds(self) -> None:
        before = row().seen_at
        registry_uptime.pulse()
        assert row().seen_at == before

        time_passes(2.1)
        older = row().seen_at
        registry_uptime.pulse()
        assert row().seen_at > older

    @pytest.mark.parametrize(("gap", "is_new"), [(9, False), (11, True), (3600, True)])
    @pytest.mark.usefixtures("up")
    def test_a_gap_of_more_than_ten_seconds_begins_a_new_uptime(
        self, gap: float, is_new: bool
    ) -> None:
        time_passes(gap)
        registry_uptime.pulse()

        assert (row().up_since == row().seen_at) is is_new
        report = registry_uptime.report_uptime()
        assert report is not None
        assert (report.seconds > 86_000) is not is_new

    @pytest.mark.usefixtures("up")
    def test_after_the_clock_was_set_back_a_new_uptime_begins(self) -> None:
        time_passes(-3600)
        report = registry_uptime.report_uptime()
        assert report is not None
        assert not report.is_at_work

        registry_uptime.pulse()

        report = registry_uptime.report_uptime()
        assert report is not None
        assert report.is_at_work
        assert report.seconds < 60

    def test_a_pulse_takes_one_statement(self, django_assert_num_queries: object) -> None:
        with django_assert_num_queries(1):  # type: ignore[operator]
            registry_uptime.pulse()


class TestPurging:
    def test_without_a_recorded_uptime_all_expired_are_purged(self) -> None:
        fleet(3, silent_for=70)

        assert leases.purge_expired().purged == 3

    @pytest.mark.usefixtures("up")
    def test_no_agent_is_purged_while_no_web_process_is_up(self) -> None:
        fleet(9)
        for _ in range(5):
            time_passes(120)
            assert leases.purge_expired().purged == 0
        assert not AgentRecord.objects.alive().exists()

    @pytest.mark.parametrize("outage", [20, 50, 300, 86_400])
    @pytest.mark.usefixtures("up")
    def test_after_an_outage_each_agent_has_one_ttl_to_send_a_heartbeat(
        self, outage: float
    ) -> None:
        """The outage may be shorter or longer than the TTL."""
        ids = fleet(9)
        time_passes(outage)
        registry_uptime.pulse()
        assert leases.purge_expired().purged == 0
        time_passes_with_the_web_at_work(55)
        heartbeats(ids[:4])
        assert leases.purge_expired().purged == 0

        time_passes_with_the_web_at_work(6)

        assert leases.purge_expired().purged == 5
        assert set(AgentRecord.objects.values_list("pk", flat=True)) == set(ids[:4])

    @pytest.mark.usefixtures("up")
    def test_a_fast_restart_is_no_outage(self) -> None:
        fleet(9)
        time_passes(8)
        registry_uptime.pulse()
        time_passes_with_the_web_at_work(53)

        assert leases.purge_expired().purged == 9

    @pytest.mark.usefixtures("up")
    def test_after_an_outage_each_lease_gets_its_own_ttl(self) -> None:
        fleet(3, ttl=1)
        fleet(3, ttl=60)
        fleet(3, ttl=86_400)
        time_passes(3 * 86_400)
        registry_uptime.pulse()
        purged = []
        for seconds in (2, 60, 86_400):
            purged.append(leases.purge_expired().purged)
            time_passes_with_the_web_at_work(seconds)
        purged.append(leases.purge_expired().purged)

        assert purged == [0, 3, 3, 3]

    @pytest.mark.usefixtures("up")
    def test_after_an_outage_a_fleet_that_stays_away_is_held(self) -> None:
        """After its own outage the registry cannot tell whether the network is back."""
        fleet(12)
        time_passes(3600)
        registry_uptime.pulse()
        time_passes_with_the_web_at_work(61)
        assert leases.purge_expired().held == 12

        time_passes_with_the_web_at_work(15 * 60)

        assert leases.purge_expired().purged == 12

    @pytest.mark.usefixtures("up")
    def test_a_single_agent_can_be_purged_by_an_operator(self) -> None:
        (agent_id,) = fleet(1)
        time_passes(120)

        assert leases.purge_one(agent_id=agent_id, actor="admin:ada")

    @pytest.mark.usefixtures("up")
    def test_force_purges_while_no_web_process_is_up(self) -> None:
        fleet(9)
        time_passes(120)

        assert leases.purge_expired(force=True).purged == 9

    @pytest.mark.usefixtures("up")
    def test_a_heartbeat_after_the_outage_counts_from_then(self) -> None:
        (agent_id,) = fleet(1)
        time_passes(120)
        registry_uptime.pulse()
        time_passes_with_the_web_at_work(30)
        leases.renew(agent_id=agent_id)
        time_passes_with_the_web_at_work(59)
        assert leases.purge_expired().purged == 0

        time_passes_with_the_web_at_work(2)

        assert leases.purge_expired().purged == 1


class TestCommand:
    @pytest.mark.usefixtures("up")
    def test_the_command_prints_that_no_web_process_is_up(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fleet(2)
        time_passes(120)

        call_command("purge_expired")

        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "0 purged"
        seen = f"{row().seen_at:%Y-%m-%d %H:%M:%S} UTC"
        assert lines[1] == f"2 kept, because no web process has run since {seen}."
        assert "--force" in lines[2]

    @pytest.mark.usefixtures("up")
    def test_the_command_prints_that_the_registry_has_just_come_back(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fleet(2)
        time_passes(120)
        registry_uptime.pulse()

        call_command("purge_expired")

        lines = capsys.readouterr().out.splitlines()
        since = f"{row().up_since:%Y-%m-%d %H:%M:%S} UTC"
        assert lines[1] == (
            f"2 kept, because the registry was down until {since}: each has its TTL from then."
        )
