"""Bulk heartbeats: each renewal has its own outcome, independent of the others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import leases
from agents.leases import LeaseLocked, Renewal, Renewed, StaleLease, UnknownAgent, renew_many
from agents.models import AgentEvent, AgentRecord
from tests.agents.racing import Together, postgresql_only, wait_for_a_lock
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def kinds(renewals: list[Renewal], *, waits: bool = True) -> list[type]:
    return [type(outcome) for outcome in renew_many(renewals, waits=waits)]


def report_of(agent_id: str = "a") -> tuple[str, float | None, str]:
    return AgentRecord.objects.values_list("status", "load", "note").get(pk=agent_id)


def refusals() -> list[tuple[str, int | None]]:
    events = AgentEvent.objects.filter(kind="refused").order_by("agent_id", "generation")
    return list(events.values_list("agent_id", "generation"))


@contextmanager
def statements() -> Iterator[list[str]]:
    """Yield the list of executed SQL, including statements outside Django's own cursor."""
    executed: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield executed
    executed += [query["sql"] for query in captured.captured_queries]


# --- Outcomes -------------------------------------------------------------------------------


def test_outcomes_are_in_the_order_of_the_renewals() -> None:
    for agent_id in ("d", "b", "e"):
        AgentFactory.create(agent_id=agent_id, generation=5, ttl_seconds=ord(agent_id))

    outcomes = renew_many(
        [
            Renewal("e", 5),
            Renewal("nobody", 5),
            Renewal("b", 4),
            Renewal("d"),
            Renewal("b", 5),
            Renewal("d", 6),
            Renewal("a"),
        ],
        waits=True,
    )

    assert [type(outcome) for outcome in outcomes] == [
        Renewed,
        UnknownAgent,
        StaleLease,
        Renewed,
        Renewed,
        UnknownAgent,
        UnknownAgent,
    ]
    ttls = [one.ttl_seconds for one in outcomes if isinstance(one, Renewed)]
    assert ttls == [ord("e"), ord("d"), ord("b")]
    assert str(outcomes[1]) == "nobody"


def test_an_empty_call_makes_no_query() -> None:
    with statements() as executed_sql:
        assert renew_many([], waits=True) == []
    assert executed_sql == []


def test_a_renewal_changes_only_its_own_agent() -> None:
    long_ago = timezone.now() - timedelta(days=1)
    for agent_id in ("a", "b"):
        AgentFactory.create(agent_id=agent_id, generation=1, last_heartbeat=long_ago, note=agent_id)
    before = AgentRecord.objects.values().get(pk="b")

    [renewed] = renew_many([Renewal("a", 1, "10.0.0.1", "busy", 0.5, "x")], waits=False)

    assert isinstance(renewed, Renewed)
    agent = AgentRecord.objects.get(pk="a")
    assert agent.last_heartbeat == renewed.last_heartbeat > long_ago
    assert (agent.seen_address, *report_of()) == ("10.0.0.1", "busy", 0.5, "x")
    assert AgentRecord.objects.values().get(pk="b") == before


def test_fields_that_a_renewal_leaves_out_are_kept() -> None:
    AgentFactory.create(agent_id="a", status="busy", load=0.0, note="n", seen_address="::1")

    assert kinds([Renewal("a")]) == [Renewed]

    assert report_of() == ("busy", 0.0, "n")
    assert AgentRecord.objects.get(pk="a").seen_address == "::1"


@pytest.mark.parametrize("note", ["", "'\"\\{},(); --", "NULL", "%s", "ä😀\u2028"])
def test_special_characters_in_a_note_are_stored_unchanged(note: str) -> None:
    AgentFactory.create(agent_id="a", note="before")
    AgentFactory.create(agent_id="NULL")

    assert kinds([Renewal("a", note=note), Renewal("NULL", note="other")]) == [Renewed] * 2

    assert report_of()[2] == note


# --- Agents that come twice -----------------------------------------------------------------


def test_of_several_renewals_of_one_lease_the_last_value_of_each_field_is_stored() -> None:
    AgentFactory.create(agent_id="a", generation=3)

    outcomes = renew_many(
        [
            Renewal("a", 3, "10.0.0.1", "busy", 0.25, "first"),
            Renewal("a", 3, "10.0.0.2", "ready", None, None),
            Renewal("a", 3, None, None, 0.75, None),
        ],
        waits=True,
    )

    assert [type(outcome) for outcome in outcomes] == [Renewed] * 3
    assert report_of() == ("ready", 0.75, "first")
    assert AgentRecord.objects.get(pk="a").seen_address == "10.0.0.2"


def test_only_the_current_generation_of_an_agent_is_renewed() -> None:
    AgentFactory.create(agent_id="a", generation=3)

    found = kinds([Renewal("a", generation, note=f"of {generation}") for generation in (2, 3, 4)])

    assert found == [StaleLease, Renewed, UnknownAgent]
    assert report_of()[2] == "of 3"


@pytest.mark.parametrize("first", [None, 3])
def test_renewals_with_and_without_a_token_are_applied_in_order(first: int | None) -> None:
    AgentFactory.create(agent_id="a", generation=3)
    second = 3 if first is None else None

    found = kinds([Renewal("a", first, note="first", load=0.5), Renewal("a", second, note="last")])

    assert found == [Renewed, Renewed]
    assert report_of() == ("unknown", 0.5, "last")


def test_a_stale_lease_changes_nothing_beside_a_renewal_without_a_token() -> None:
    AgentFactory.create(agent_id="a", generation=3)

    assert kinds([Renewal("a", note="right"), Renewal("a", 2, note="stale")]) == [
        Renewed,
        StaleLease,
    ]
    assert report_of()[2] == "right"


def test_a_thousand_stale_leases_of_one_agent_take_few_statements() -> None:
    """An agent's old tokens stay valid signatures, and each once took statements of its own."""
    AgentFactory.create(agent_id="a", generation=1_000)
    kinds([Renewal("a", 1_000)])

    with statements() as executed_sql:
        found = kinds([Renewal("a", generation) for generation in range(1_001)] + [Renewal("a")])

    assert found == [*[StaleLease] * 1_000, Renewed, Renewed]
    assert len(executed_sql) < 30, len(executed_sql)
    assert len(refusals()) == 1_000


# --- Statements and events ------------------------------------------------------------------


def test_a_batch_without_misses_takes_one_statement() -> None:
    AgentFactory.create_batch(50)
    renewals = [Renewal(pk) for pk in AgentRecord.objects.values_list("pk", flat=True)]
    kinds(renewals)
    counted = _updates_and_others(renewals)

    assert counted == {"sqlite": (1, 0), "postgresql": (1, 0)}[connection.vendor]


def _updates_and_others(renewals: list[Renewal]) -> tuple[int, int]:
    """Return the numbers of UPDATE statements and of others."""
    with statements() as executed_sql, _past_django() as direct:
        renew_many(renewals, waits=False)
    updates = [sql for sql in [*executed_sql, *direct] if sql.startswith("UPDATE")]
    return len(updates), len(executed_sql) + len(direct) - len(updates)


@contextmanager
def _past_django() -> Iterator[list[str]]:
    """Yield the SQL that psycopg executes without Django's cursor; Django does not log it."""
    executed: list[str] = []
    if connection.vendor != "postgresql":
        yield executed
        return
    import psycopg  # noqa: PLC0415

    class RecordingCursor(psycopg.Cursor):
        def execute(self, query, *more, **options):  # type: ignore[no-untyped-def]
            executed.append(str(query))
            return super().execute(query, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg, "Cursor", RecordingCursor)
        yield executed


def test_a_thousand_renewals_get_the_same_time() -> None:
    AgentFactory.create_batch(1_000, expired=True)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))
    Random(1).shuffle(ids)  # noqa: S311 - not for security

    outcomes = renew_many([Renewal(pk, note=pk) for pk in ids], waits=False)

    assert len(outcomes) == 1_000
    assert {type(outcome) for outcome in outcomes} == {Renewed}
    assert len({one.last_heartbeat for one in outcomes if isinstance(one, Renewed)}) == 1
    assert AgentRecord.objects.alive().count() == 1_000
    assert all(pk == note for pk, note in AgentRecord.objects.values_list("pk", "note"))


def test_a_stale_lease_is_recorded_once() -> None:
    AgentFactory.create(agent_id="a", generation=9)
    AgentFactory.create(agent_id="b", generation=9)
    batch = [Renewal("a", 7, "10.0.0.1"), Renewal("b", 8), Renewal("a", 7), Renewal("a", 8)]

    assert kinds(batch) == [StaleLease] * 4
    recorded = refusals()
    assert kinds(batch) == [StaleLease] * 4
    assert kinds(batch[:1]) == [StaleLease]

    assert recorded == refusals() == [("a", 7), ("a", 8), ("b", 8)]
    first = AgentEvent.objects.get(agent_id="a", generation=7)
    assert (first.address, first.reason) == ("10.0.0.1", "the lease is held by generation 9")


def test_an_unknown_agent_is_not_recorded_in_the_history() -> None:
    assert kinds([Renewal("a"), Renewal("a", 5)]) == [UnknownAgent] * 2
    assert not AgentEvent.objects.exists()


# --- Concurrency ----------- ----------------------------------------------------------------


@postgresql_only
def test_without_waiting_a_locked_record_is_reported_at_once_and_delays_no_other(
    together: Together,
) -> None:
    AgentFactory.create(agent_id="a", generation=1)
    AgentFactory.create(agent_id="b", generation=1)
    is_locked, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            AgentRecord.objects.select_for_update().get(pk="a")
            is_locked.set()
            assert enough.wait(30)

    def look() -> list[type]:
        assert is_locked.wait(30)
        try:
            return kinds(
                [Renewal("a"), Renewal("b"), Renewal("a", 1), Renewal("a", 0)], waits=False
            )
        finally:
            enough.set()

    assert together(hold, look)[1] == [LeaseLocked, Renewed, LeaseLocked, StaleLease]
    assert kinds([Renewal("a")], waits=False) == [Renewed]


@postgresql_only
def test_with_waiting_a_locked_record_is_renewed_once_it_is_free(together: Together) -> None:
    AgentFactory.create(agent_id="a", generation=1)
    is_locked = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            AgentRecord.objects.filter(pk="a").update(note="changed")
            is_locked.set()
            wait_for_a_lock()

    def renew() -> list[type]:
        assert is_locked.wait(30)
        return kinds([Renewal("b"), Renewal("a", 1)], waits=True)

    assert together(hold, renew)[1] == [UnknownAgent, Renewed]
    assert report_of()[2] == "changed"


@postgresql_only
@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda: leases.register(agent_id="a", host="h", port=1), StaleLease),
        (lambda: AgentRecord.objects.filter(pk="a").delete(), UnknownAgent),
    ],
)
def test_a_change_made_while_waiting_for_a_record_decides_the_outcome(
    together: Together, meanwhile: object, expected: type
) -> None:
    AgentFactory.create(agent_id="a", generation=0)
    is_locked = threading.Event()

    def hold() -> None:
        assert callable(meanwhile)
        with transaction.atomic():
            meanwhile()
            is_locked.set()
            wait_for_a_lock()

    def renew() -> list[type]:
        assert is_locked.wait(30)
        return kinds([Renewal("a", 0)], waits=True)

    assert together(hold, renew)[1] == [expected]


@postgresql_only
@pytest.mark.parametrize("waits", [True, False])
def test_calls_for_the_same_agents_in_different_orders_do_not_deadlock(
    together: Together, *, waits: bool
) -> None:
    AgentFactory.create_batch(40)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))
    orders = [ids, ids[::-1], ids[20:] + ids[:20], ids[::2] + ids[1::2]]

    def beat(order: list[str]) -> set[type]:
        return {
            kind for _ in range(25) for kind in kinds([Renewal(pk) for pk in order], waits=waits)
        }

    found = together(*[lambda order=order: beat(order) for order in orders])

    # Records that change all the time are given up as locked rather than waited for without end.
    assert {Renewed} <= set.union(*found) <= {Renewed, LeaseLocked}


def test_outcomes_are_correct_while_records_are_purged_and_registered_again(
    together: Together,
) -> None:
    """`Renewed` is returned only for a lease that was held at that moment."""
    AgentFactory.create_batch(60, expired=True, generation=0)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))

    def beat() -> list[tuple[str, type]]:
        outcomes = []
        for _ in range(4):
            renewals = [Renewal(pk, 0) for pk in ids]
            outcomes += list(zip(ids, kinds(renewals), strict=True))
        return outcomes

    def register() -> list[str]:
        for pk in ids[::7]:
            leases.register(agent_id=pk, host="h", port=1)
        return ids[::7]

    outcomes, registered, _ = together(beat, register, lambda: leases.purge_expired(batch_size=5))

    last = dict(outcomes)
    for pk in set(ids) - set(registered):
        if last[pk] is Renewed:
            assert AgentRecord.objects.filter(pk=pk, generation=0).exists()
        else:
            assert last[pk] is UnknownAgent
    for pk in registered:
        seen = [kind for agent_id, kind in outcomes if agent_id == pk]
        refused = seen.index(StaleLease) if StaleLease in seen else len(seen)
        assert set(seen[refused:]) <= {StaleLease}
        assert AgentRecord.objects.get(pk=pk).generation > 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no prepared plans")
def test_on_postgresql_the_statement_is_prepared() -> None:
    AgentFactory.create(agent_id="a")
    for size in (1, 2, 3):
        leases.renew_many([Renewal("a", note="x")] * size, waits=False)

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        assert any(statement.startswith("UPDATE") for (statement,) in cursor.fetchall())
