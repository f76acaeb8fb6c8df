from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from agents import leases
from agents.models import AgentEvent, AgentRecord

pytestmark = pytest.mark.django_db(transaction=True)


def generation_of(agent_id: str) -> int:
    registration = leases.register(agent_id=agent_id, host="h", port=80)
    return registration.agent.generation


@pytest.fixture
def set_back() -> Callable[[], None]:
    """Set the database back to the state that it had when the test began to use this."""
    registered_before = generation_of("before")

    def forget() -> None:
        AgentRecord.objects.exclude(agent_id="before").delete()
        AgentEvent.objects.filter(pk__gt=registered_before).delete()
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                sql = "UPDATE sqlite_sequence SET seq = %s WHERE name = 'agents_agentevent'"
            else:
                sql = "SELECT setval(pg_get_serial_sequence('agents_agentevent', 'id'), %s)"
            cursor.execute(sql, [registered_before])

    return forget


def test_without_it_a_lease_is_given_twice(set_back: Callable[[], None]) -> None:
    """What the command is for; were it not so, nobody would need it."""
    lost = generation_of("a")
    set_back()

    assert generation_of("a") == lost


def test_after_a_restore_no_lease_is_given_a_second_time(set_back: Callable[[], None]) -> None:
    lost = generation_of("a")
    set_back()
    call_command("after_restore", stdout=(output := StringIO()))

    with pytest.raises(leases.UnknownAgent):
        leases.renew(agent_id="a", generation=lost)
    given = generation_of("a")
    assert given > lost + 1_000_000
    assert f"{given - 1}" in output.getvalue()
    with pytest.raises(leases.StaleLease):
        leases.renew(agent_id="a", generation=lost)


def test_leases_that_the_backup_knows_go_on(set_back: Callable[[], None]) -> None:
    known = AgentRecord.objects.get(agent_id="before").generation
    set_back()
    call_command("after_restore", stdout=StringIO())

    assert leases.renew(agent_id="before", generation=known).state == "active"


def test_it_may_be_run_again_and_before_anything_was_registered() -> None:
    for _ in range(2):
        call_command("after_restore", stdout=StringIO())

    assert generation_of("a") > 2_000_000_000
