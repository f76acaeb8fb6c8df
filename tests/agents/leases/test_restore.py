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
def restore() -> Callable[[], None]:
    """Restore the database to the state in which this fixture found it."""
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


def test_without_after_restore_a_generation_would_be_reused(restore: Callable[[], None]) -> None:
    """Shows that the command is needed."""
    lost = generation_of("a")
    restore()

    assert generation_of("a") == lost


def test_after_restore_no_generation_is_reused(restore: Callable[[], None]) -> None:
    lost = generation_of("a")
    restore()
    call_command("after_restore", stdout=(output := StringIO()))

    with pytest.raises(leases.UnknownAgent):
        leases.renew(agent_id="a", generation=lost)
    given = generation_of("a")
    assert given > lost + 1_000_000
    assert f"{given - 1}" in output.getvalue()
    with pytest.raises(leases.StaleLease):
        leases.renew(agent_id="a", generation=lost)


def test_after_restore_leases_in_the_backup_stay_valid(restore: Callable[[], None]) -> None:
    known = AgentRecord.objects.get(agent_id="before").generation
    restore()
    call_command("after_restore", stdout=StringIO())

    assert leases.renew(agent_id="before", generation=known).state == "active"


def test_after_restore_can_be_repeated_and_run_on_an_empty_registry() -> None:
    for _ in range(2):
        call_command("after_restore", stdout=StringIO())

    assert generation_of("a") > 2_000_000_000
