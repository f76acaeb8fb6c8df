"""A purge scans the table once, in bounded batches, and misses no expired agent."""

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
    """Create agents, expired ones among living ones; return the ids of the living."""
    living: set[str] = set()
    for _ in range(10):
        living |= set(fleet(alive // 10))
        fleet(expired // 10, silent_for=70)
    return living


def batches(batch_size: int) -> list[int]:
    return list(purge_batches(purgeable_sql(on_hold=False), SWEEP, batch_size))


def choices(queries: CaptureQueriesContext) -> list[str]:
    """Return the statements that select expired agents."""
    return [sql for query in queries.captured_queries if PLACE in (sql := str(query["sql"]))]


def plan_of(sql: str) -> str:
    explain = "EXPLAIN " if POSTGRESQL else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        if POSTGRESQL:  # prefers a sequential scan for a small table
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + sql)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.django_db
class TestBatches:
    def test_a_batch_has_at_most_the_requested_size(self) -> None:
        living = scattered(alive=100, expired=100)

        counts = batches(7)

        assert sum(counts) == 100
        assert max(counts) == 7
        assert set(AgentRecord.objects.values_list("pk", flat=True)) == living
        assert AgentEvent.objects.count() == 200

    def test_each_batch_continues_where_the_last_one_ended(self) -> None:
        """Otherwise purging 100,000 of a million agents would scan the table a hundred times."""
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

    def test_the_number_of_statements_does_not_grow_with_the_agents(self) -> None:
        """A batch takes two and a transaction on SQLite, and one on PostgreSQL."""
        scattered(alive=600, expired=400)

        with CaptureQueriesContext(connection) as queries:
            assert leases.purge_expired(batch_size=100).purged == 400

        assert len(queries) < 50

    def test_without_expired_agents_none_are_selected(self) -> None:
        fleet(20)

        with CaptureQueriesContext(connection) as queries:
            assert leases.purge_expired().purged == 0

        assert choices(queries) == []

    @pytest.mark.skipif(not POSTGRESQL, reason="SQLite selects expired agents without a lock")
    def test_each_transaction_scans_a_few_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgresql_writes, "PAGES", 2)
        living = scattered(alive=200, expired=200)

        counts = batches(1000)

        assert sum(counts) == 200
        assert sum(count > 0 for count in counts) > 3
        assert set(AgentRecord.objects.values_list("pk", flat=True)) == living

    @pytest.mark.skipif(POSTGRESQL, reason="PostgreSQL does not block other writers")
    def test_other_writers_get_a_turn_after_a_few_hundred_rows(self) -> None:
        scattered(alive=10, expired=600)

        counts = batches(1000)

        assert sum(counts) == 600
        assert max(counts) <= 250


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(POSTGRESQL, reason="PostgreSQL selects and deletes in one statement")
def test_an_agent_that_renews_between_selection_and_deletion_survives(
    together: Together,
) -> None:
    fleet(1, silent_for=70, prefix="renewing")
    [renewing] = AgentRecord.objects.values_list("pk", flat=True)
    fleet(1, silent_for=70, prefix="dead")
    selected, renewed = threading.Event(), threading.Event()

    def pause_before_the_lock(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("BEGIN"):  # after the selection, before the write lock
            selected.set()
            assert renewed.wait(30)
        return execute(sql, *rest)

    def sweep() -> int:
        with connection.execute_wrapper(pause_before_the_lock):
            return leases.purge_expired().purged

    def renewal() -> None:
        assert selected.wait(30)
        leases.renew(agent_id=renewing)
        renewed.set()

    assert together(sweep, renewal)[0] == 1
    assert AgentRecord.objects.alive().get().pk == renewing
