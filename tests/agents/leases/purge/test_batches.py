"""A purge goes through the table once, a bounded part of it at a time, and misses nobody."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import leases
from agents.actors import SWEEP
from agents.database.postgresql import writes as postgresql_writes
from agents.leases.purge.delete import purge_batches
from agents.leases.purge.mass_expiry import purgeable_sql
from agents.models import AgentEvent, AgentRecord
from tests.agents.passing_time import fleet
from tests.agents.racing import Together

POSTGRESQL = connection.vendor == "postgresql"
PLACE = "ctid > " if POSTGRESQL else "rowid > "


def scattered(alive: int, expired: int) -> set[str]:
    """Make agents, the expired between the living ones; return the ids of the living."""
    living: set[str] = set()
    for _ in range(10):
        living |= set(fleet(alive // 10))
        fleet(expired // 10, silent_for=70)
    return living


def batches(batch_size: int) -> list[int]:
    return list(purge_batches(purgeable_sql(on_hold=False), SWEEP, batch_size))


def choices(queries: CaptureQueriesContext) -> list[str]:
    """Return the statements by which expired agents were chosen."""
    return [sql for query in queries.captured_queries if PLACE in (sql := str(query["sql"]))]


def plan_of(sql: str) -> str:
    explain = "EXPLAIN " if POSTGRESQL else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        if POSTGRESQL:  # which looks through a small table from its begin, whatever it is asked
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + sql)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.django_db
class TestTheWay:
    def test_batches_have_at_most_the_size_that_is_asked_for(self) -> None:
        living = scattered(alive=100, expired=100)

        counts = batches(7)

        assert sum(counts) == 100
        assert max(counts) == 7
        assert set(AgentRecord.objects.values_list("pk", flat=True)) == living
        assert AgentEvent.objects.count() == 200

    def test_it_goes_on_where_it_was_instead_of_looking_from_the_begin_again(self) -> None:
        """A million agents would be looked through a hundred times for a hundred thousand."""
        scattered(alive=500, expired=500)

        with CaptureQueriesContext(connection) as queries:
            assert leases.purge_expired(batch_size=50).purged == 500

        for sql in choices(queries):
            plan = plan_of(sql)
            if POSTGRESQL:
                assert "Tid Range Scan on agents_agentrecord" in plan
                assert "Seq Scan on agents_agentrecord" not in plan
            else:
                assert "SEARCH agents_agentrecord USING INTEGER PRIMARY KEY (rowid>?)" in plan
        begins = [sql.split(PLACE)[1].split(" AND ")[0] for sql in choices(queries)]
        assert len(set(begins)) == len(begins) >= 10

    def test_a_fleet_takes_few_statements_however_many_expired(self) -> None:
        """Two for a batch on SQLite and its transaction, one on PostgreSQL; none for an agent."""
        scattered(alive=600, expired=400)

        with CaptureQueriesContext(connection) as queries:
            assert leases.purge_expired(batch_size=100).purged == 400

        assert len(queries) < 50

    def test_where_nothing_expired_only_the_fleet_is_looked_at(self) -> None:
        fleet(20)

        with CaptureQueriesContext(connection) as queries:
            assert leases.purge_expired().purged == 0

        assert choices(queries) == []

    @pytest.mark.skipif(not POSTGRESQL, reason="SQLite looks for the expired without a lock")
    def test_each_transaction_looks_at_a_few_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgresql_writes, "PAGES", 2)
        living = scattered(alive=200, expired=200)

        counts = batches(1000)

        assert sum(counts) == 200
        assert sum(count > 0 for count in counts) > 3
        assert set(AgentRecord.objects.values_list("pk", flat=True)) == living

    @pytest.mark.skipif(POSTGRESQL, reason="PostgreSQL lets others write meanwhile")
    def test_a_writer_has_its_turn_after_a_few_rows(self) -> None:
        scattered(alive=10, expired=600)

        counts = batches(1000)

        assert sum(counts) == 600
        assert max(counts) <= 250


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(POSTGRESQL, reason="PostgreSQL chooses and deletes by one statement")
def test_an_agent_that_renews_between_the_choosing_and_the_deleting_survives(
    together: Together,
) -> None:
    fleet(1, silent_for=70, prefix="renewing")
    [renewing] = AgentRecord.objects.values_list("pk", flat=True)
    fleet(1, silent_for=70, prefix="dead")
    chosen, renewed = threading.Event(), threading.Event()

    def let_it_renew(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("BEGIN"):  # they have been chosen; the write lock comes next
            chosen.set()
            assert renewed.wait(30)
        return execute(sql, *rest)

    def sweep() -> int:
        with connection.execute_wrapper(let_it_renew):
            return leases.purge_expired().purged

    def renewal() -> None:
        assert chosen.wait(30)
        leases.renew(agent_id=renewing)
        renewed.set()

    assert together(sweep, renewal)[0] == 1
    assert AgentRecord.objects.alive().get().pk == renewing
