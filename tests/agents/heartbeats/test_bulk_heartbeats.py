"""Many heartbeats in one call: each has its own outcome, whatever the others are."""

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


def word(agent_id: str = "a") -> tuple[str, float | None, str]:
    return AgentRecord.objects.values_list("status", "load", "note").get(pk=agent_id)


def refusals() -> list[tuple[str, int | None]]:
    found = AgentEvent.objects.filter(kind="refused").order_by("agent_id", "generation")
    return list(found.values_list("agent_id", "generation"))


@contextmanager
def statements() -> Iterator[list[str]]:
    """Give the SQL that is executed, also past Django's own cursor."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [query["sql"] for query in captured.captured_queries]


# --- Outcomes -------------------------------------------------------------------------------


def test_each_outcome_stands_where_its_renewal_stood() -> None:
    for agent_id in ("d", "b", "e"):
        AgentFactory.create(agent_id=agent_id, generation=5, ttl_seconds=ord(agent_id))

    outcomes = renew_many(
        [
            *(Renewal("e", 5), Renewal("nobody", 5), Renewal("b", 4), Renewal("d")),
            *(Renewal("b", 5), Renewal("d", 6), Renewal("a")),
        ],
        waits=True,
    )

    assert [type(outcome) for outcome in outcomes] == [
        *(Renewed, UnknownAgent, StaleLease, Renewed, Renewed, UnknownAgent, UnknownAgent)
    ]
    ttls = [one.ttl_seconds for one in outcomes if isinstance(one, Renewed)]
    assert ttls == [ord("e"), ord("d"), ord("b")]
    assert str(outcomes[1]) == "nobody"


def test_nothing_to_renew_is_no_question_to_the_database() -> None:
    with statements() as asked:
        assert renew_many([], waits=True) == []
    assert asked == []


def test_a_renewal_changes_what_it_names_and_nothing_else() -> None:
    long_ago = timezone.now() - timedelta(days=1)
    for agent_id in ("a", "b"):
        AgentFactory.create(agent_id=agent_id, generation=1, last_heartbeat=long_ago, note=agent_id)
    before = AgentRecord.objects.values().get(pk="b")

    [renewed] = renew_many([Renewal("a", 1, "10.0.0.1", "busy", 0.5, "x")], waits=False)

    assert isinstance(renewed, Renewed)
    agent = AgentRecord.objects.get(pk="a")
    assert agent.last_heartbeat == renewed.last_heartbeat > long_ago
    assert (agent.seen_address, *word()) == ("10.0.0.1", "busy", 0.5, "x")
    assert AgentRecord.objects.values().get(pk="b") == before


def test_what_a_renewal_does_not_say_stays_as_it_was() -> None:
    AgentFactory.create(agent_id="a", status="busy", load=0.0, note="n", seen_address="::1")

    assert kinds([Renewal("a")]) == [Renewed]

    assert word() == ("busy", 0.0, "n")
    assert AgentRecord.objects.get(pk="a").seen_address == "::1"


@pytest.mark.parametrize("note", ["", "'\"\\{},(); --", "NULL", "%s", "ä😀\u2028"])
def test_text_is_kept_as_it_is(note: str) -> None:
    AgentFactory.create(agent_id="a", note="before")
    AgentFactory.create(agent_id="NULL")

    assert kinds([Renewal("a", note=note), Renewal("NULL", note="other")]) == [Renewed] * 2

    assert word()[2] == note


# --- Agents that come twice -----------------------------------------------------------------


def test_of_two_words_by_one_lease_the_last_one_counts_in_each_field() -> None:
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
    assert word() == ("ready", 0.75, "first")
    assert AgentRecord.objects.get(pk="a").seen_address == "10.0.0.2"


def test_of_several_leases_only_the_records_own_is_renewed() -> None:
    AgentFactory.create(agent_id="a", generation=3)

    found = kinds([Renewal("a", generation, note=f"of {generation}") for generation in (2, 3, 4)])

    assert found == [StaleLease, Renewed, UnknownAgent]
    assert word()[2] == "of 3"


@pytest.mark.parametrize("first", [None, 3])
def test_with_and_without_a_token_both_are_taken_in_turn(first: int | None) -> None:
    AgentFactory.create(agent_id="a", generation=3)
    second = 3 if first is None else None

    found = kinds([Renewal("a", first, note="first", load=0.5), Renewal("a", second, note="last")])

    assert found == [Renewed, Renewed]
    assert word() == ("unknown", 0.5, "last")


def test_a_stale_lease_has_no_word_beside_one_without_a_token() -> None:
    AgentFactory.create(agent_id="a", generation=3)

    assert kinds([Renewal("a", note="right"), Renewal("a", 2, note="stale")]) == [
        Renewed,
        StaleLease,
    ]
    assert word()[2] == "right"


def test_who_has_registered_a_thousand_times_costs_a_call_no_more_than_others() -> None:
    """Every token of an agent's is good for ever; each took statements of its own."""
    AgentFactory.create(agent_id="a", generation=1_000)
    kinds([Renewal("a", 1_000)])

    with statements() as asked:
        found = kinds([Renewal("a", generation) for generation in range(1_001)] + [Renewal("a")])

    assert found == [*[StaleLease] * 1_000, Renewed, Renewed]
    assert len(asked) < 30, len(asked)
    assert len(refusals()) == 1_000


# --- What it costs, and what it tells -------------------------------------------------------


def test_a_batch_without_misses_is_one_statement() -> None:
    AgentFactory.create_batch(50)
    all_of_them = [Renewal(pk) for pk in AgentRecord.objects.values_list("pk", flat=True)]
    kinds(all_of_them)
    counted = _updates_and_others(all_of_them)

    assert counted == {"sqlite": (1, 0), "postgresql": (1, 0)}[connection.vendor]


def _updates_and_others(renewals: list[Renewal]) -> tuple[int, int]:
    """Return how many statements change agents, and how many others there are."""
    with statements() as asked, _past_django() as direct:
        renew_many(renewals, waits=False)
    updates = [sql for sql in [*asked, *direct] if sql.startswith("UPDATE")]
    return len(updates), len(asked) + len(direct) - len(updates)


@contextmanager
def _past_django() -> Iterator[list[str]]:
    """Give what PostgreSQL's driver executes without Django's cursor: Django cannot tell of it."""
    found: list[str] = []
    if connection.vendor != "postgresql":
        yield found
        return
    import psycopg  # noqa: PLC0415

    class Watched(psycopg.Cursor):
        def execute(self, query, *more, **options):  # type: ignore[no-untyped-def]
            found.append(str(query))
            return super().execute(query, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg, "Cursor", Watched)
        yield found


def test_a_thousand_are_renewed_at_one_time() -> None:
    AgentFactory.create_batch(1_000, expired=True)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))
    Random(1).shuffle(ids)  # noqa: S311 - guards nothing

    outcomes = renew_many([Renewal(pk, note=pk) for pk in ids], waits=False)

    assert len(outcomes) == 1_000
    assert {type(outcome) for outcome in outcomes} == {Renewed}
    assert len({one.last_heartbeat for one in outcomes if isinstance(one, Renewed)}) == 1
    assert AgentRecord.objects.alive().count() == 1_000
    assert all(pk == note for pk, note in AgentRecord.objects.values_list("pk", "note"))


def test_a_stale_lease_is_told_to_the_history_once() -> None:
    AgentFactory.create(agent_id="a", generation=9)
    AgentFactory.create(agent_id="b", generation=9)
    batch = [Renewal("a", 7, "10.0.0.1"), Renewal("b", 8), Renewal("a", 7), Renewal("a", 8)]

    assert kinds(batch) == [StaleLease] * 4
    told = refusals()
    assert kinds(batch) == [StaleLease] * 4
    assert kinds(batch[:1]) == [StaleLease]

    assert told == refusals() == [("a", 7), ("a", 8), ("b", 8)]
    first = AgentEvent.objects.get(agent_id="a", generation=7)
    assert (first.address, first.reason) == ("10.0.0.1", "the lease is held by generation 9")


def test_an_unknown_agent_is_not_told_to_the_history() -> None:
    assert kinds([Renewal("a"), Renewal("a", 5)]) == [UnknownAgent] * 2
    assert not AgentEvent.objects.exists()


# --- Others at the same time ----------------------------------------------------------------


@postgresql_only
def test_a_locked_record_is_told_at_once_and_keeps_no_other_waiting(together: Together) -> None:
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
def test_a_locked_record_is_waited_for_when_that_is_asked(together: Together) -> None:
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
    assert word()[2] == "changed"


@postgresql_only
@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda: leases.register(agent_id="a", host="h", port=1), StaleLease),
        (lambda: AgentRecord.objects.filter(pk="a").delete(), UnknownAgent),
    ],
)
def test_what_happens_to_a_record_while_it_is_waited_for_counts(
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
def test_calls_for_the_same_agents_in_opposite_orders_never_wait_for_each_other(
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

    # Without an end, records that change all the time are not even waited for.
    assert {Renewed} <= set.union(*found) <= {Renewed, LeaseLocked}


def test_of_records_that_are_purged_and_registered_meanwhile_each_outcome_is_true(
    together: Together,
) -> None:
    """Whoever was told that a lease is renewed held it at that moment, and nobody else was."""
    AgentFactory.create_batch(60, expired=True, generation=0)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))

    def beat() -> list[tuple[str, type]]:
        found = []
        for _ in range(4):
            renewals = [Renewal(pk, 0) for pk in ids]
            found += list(zip(ids, kinds(renewals), strict=True))
        return found

    def register() -> list[str]:
        for pk in ids[::7]:
            leases.register(agent_id=pk, host="h", port=1)
        return ids[::7]

    told, registered, _ = together(beat, register, lambda: leases.purge_expired(batch_size=5))

    last = dict(told)
    for pk in set(ids) - set(registered):
        if last[pk] is Renewed:
            assert AgentRecord.objects.filter(pk=pk, generation=0).exists()
        else:
            assert last[pk] is UnknownAgent
    for pk in registered:
        seen = [kind for agent_id, kind in told if agent_id == pk]
        refused = seen.index(StaleLease) if StaleLease in seen else len(seen)
        assert set(seen[refused:]) <= {StaleLease}
        assert AgentRecord.objects.get(pk=pk).generation > 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite keeps no plans")
def test_postgresql_plans_the_statement_once() -> None:
    AgentFactory.create(agent_id="a")
    for size in (1, 2, 3):
        leases.renew_many([Renewal("a", note="x")] * size, waits=False)

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        assert any(statement.startswith("UPDATE") for (statement,) in cursor.fetchall())
