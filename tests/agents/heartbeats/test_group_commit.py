"""Group commit: a caller is answered after its commit, and does not wait for others' locks."""

import queue
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, OperationalError

from agents.fast_path import call_queue
from agents.fast_path.front import Front
from agents.fast_path.outcomes import Response
from agents.heartbeats import calls as heartbeat_calls
from agents.heartbeats.calls import Call
from agents.heartbeats.fast_path import FastPath
from agents.heartbeats.group_commit import GroupCommit
from agents.leases import LeaseLocked, Renewal, Renewed, UnknownAgent
from agents.models import AgentRecord
from agents.problems.responses import problem_response
from tests.agents.racing import postgresql_only
from tests.coverage import unmeasured
from tests.factories import AgentFactory
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# Violates a constraint of the database.
IMPOSSIBLE = Renewal("a", load=7.0)
SECONDS = 60.0


class Committing:
    """A group commit that runs in the test's thread, one batch at a time."""

    def __init__(self, look: Callable[[list[Call]], None] = lambda _: None) -> None:
        self.delivered: list[Call] = []
        self._look = look
        self.group = GroupCommit(self._take)

    def _take(self, calls: list[Call]) -> None:
        self._look(calls)
        self.delivered += calls

    def offer(self, *renewals: Renewal, caller: object = None) -> Call:
        call = Call(renewals, caller)
        assert self.group.offer(call)
        return call

    def commit(self) -> list[Call]:
        """Commit a batch; return the calls that it completes."""
        before = len(self.delivered)
        self.group.commit_waiting()
        return self.delivered[before:]

    def commit_all(self, *calls: Call) -> None:
        for _ in range(10_000):
            if set(map(id, calls)) <= set(map(id, self.delivered)):
                return
            self.commit()
        pytest.fail("some calls were never delivered")


@contextmanager
def other_connection() -> Iterator[Any]:
    """Yield a function that runs another one in a new thread, with a connection of its own."""

    def elsewhere(function: Callable[[], Any]) -> Any:
        results: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def run() -> None:
            try:
                results.put(function())
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return results.get_nowait()

    yield elsewhere


@contextmanager
def locked(*agent_ids: str) -> Iterator[None]:
    """Lock the records of agents on another connection."""
    is_held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(AgentRecord.objects.select_for_update().filter(pk__in=agent_ids))
                is_held.set()
                enough.wait(SECONDS)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(SECONDS)
    try:
        yield
    finally:
        enough.set()
        thread.join()


@contextmanager
def database_locked() -> Iterator[None]:
    """Block all other writers while the body runs."""
    with transaction.atomic():  # on SQLite this alone takes the write lock
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {AgentRecord._meta.db_table}")
        yield


def kinds(call: Call) -> list[type]:
    return [type(outcome) for outcome in call.outcomes]


def last_heartbeats() -> dict[str, datetime]:
    return dict(AgentRecord.objects.values_list("pk", "last_heartbeat"))


# --- Batches --------------------------------------------------------------------------------


def test_waiting_calls_are_committed_together() -> None:
    AgentFactory.create_batch(3)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))
    committing = Committing()
    calls = [committing.offer(Renewal(pk), caller=pk) for pk in ids]
    calls.append(committing.offer(Renewal("nobody"), *map(Renewal, ids), caller="many"))

    assert committing.commit() == calls

    assert [call.caller for call in calls] == [*ids, "many"]
    assert [kinds(call) for call in calls] == [[Renewed]] * 3 + [[UnknownAgent, *[Renewed] * 3]]
    assert len(set(last_heartbeats().values())) == 1


def test_calls_that_arrive_during_a_commit_share_the_next_one() -> None:
    AgentFactory.create_batch(5, expired=True)
    first, *others = last_heartbeats()
    arrived: list[Call] = []

    def arrive(_calls: list[Call]) -> None:
        if not arrived:
            arrived.extend(committing.offer(Renewal(pk)) for pk in others)

    committing = Committing(arrive)
    committing.offer(Renewal(first))

    assert len(committing.commit()) == 1
    assert committing.commit() == arrived
    assert len({last_heartbeats()[pk] for pk in others}) == 1


def test_the_size_of_a_batch_is_limited() -> None:
    committing = Committing()
    calls = [committing.offer(Renewal(f"s{number}")) for number in range(call_queue.MAX_BATCH)]
    last = committing.offer(Renewal("last"))

    assert committing.commit() == calls
    assert committing.commit() == [last]


def many(prefix: str = "m") -> list[Renewal]:
    return [Renewal(f"{prefix}{number}") for number in range(1_000)]


def test_a_heartbeat_overtakes_calls_for_many_agents() -> None:
    committing = Committing()
    relayed = [committing.offer(*many()) for _ in range(3)]
    one = committing.offer(Renewal("one"))

    assert committing.commit() == [one, relayed[0]]
    assert committing.commit() == [relayed[1]]


def test_heartbeats_leave_half_of_a_batch_to_a_call_for_many_agents() -> None:
    committing = Committing()
    ones = [committing.offer(Renewal(f"s{number}")) for number in range(1_200)]
    relayed = [committing.offer(*many(prefix)) for prefix in "ab"]

    assert committing.commit() == [*ones[:500], relayed[0]]
    assert committing.commit() == [*ones[500:1_000], relayed[1]]
    assert committing.commit() == ones[1_000:]


def test_calls_for_many_agents_that_wait_too_long_do_not_refuse_a_heartbeat() -> None:
    committing = Committing()
    committing.group._calls._seconds_each = call_queue.PATIENCE_SECONDS / 5_000

    taken = [committing.group.offer(Call(many(), None)) for _ in range(7)]

    assert taken == [True] * 5 + [False] * 2
    ones = [committing.group.offer(Call([Renewal("one")], None)) for _ in range(5_001)]
    assert ones == [True] * 5_000 + [False]


def test_nothing_is_delivered_before_it_is_committed() -> None:
    """A second connection sees the committed heartbeats at the moment of delivery."""
    AgentFactory.create_batch(20, expired=True)
    looks: list[int] = []

    def look(calls: list[Call]) -> None:
        committed = elsewhere(last_heartbeats)
        for call in calls:
            [outcome] = call.outcomes
            assert isinstance(outcome, Renewed)
            assert committed[call.caller] == outcome.last_heartbeat
        looks.append(len(calls))

    with other_connection() as elsewhere:
        committing = Committing(look)
        for pk in last_heartbeats():
            committing.offer(Renewal(pk), caller=pk)
        committing.commit()

    assert looks == [20]


# --- Faults ---------------------------------------------------------------------------------


def test_a_renewal_that_violates_a_constraint_fails_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    AgentFactory.create(agent_id="a", load=0.5)
    AgentFactory.create_batch(4, expired=True)
    others = [pk for pk in last_heartbeats() if pk != "a"]
    committing = Committing()
    calls = [committing.offer(Renewal(pk)) for pk in others]
    bad = committing.offer(IMPOSSIBLE)

    assert len(committing.commit()) == 5

    assert [kinds(call) for call in calls] == [[Renewed]] * 4
    assert AgentRecord.objects.alive().filter(pk__in=others).count() == 4
    assert kinds(bad) == [IntegrityError]
    assert AgentRecord.objects.get(pk="a").load == 0.5
    assert caplog.text.count("a heartbeat could not be committed") == 1


@postgresql_only
def test_after_a_lost_connection_the_same_batch_is_committed_on_a_new_one() -> None:
    AgentFactory.create_batch(3, expired=True)
    committing = Committing()
    with other_connection() as elsewhere:
        elsewhere(lambda: end_sessions(backend_pid()))
        calls = [committing.offer(Renewal(pk)) for pk in elsewhere(last_heartbeats)]
        committing.commit()
        committed = elsewhere(last_heartbeats)

    for call in calls:
        [outcome] = call.outcomes
        assert isinstance(outcome, Renewed)
        assert committed[call.renewals[0].agent_id] == outcome.last_heartbeat


@postgresql_only
def test_a_lost_connection_and_a_constraint_violation_together_lose_no_outcome() -> None:
    AgentFactory.create(agent_id="a")
    AgentFactory.create(agent_id="b", expired=True)
    committing = Committing()
    good, bad = committing.offer(Renewal("b")), committing.offer(IMPOSSIBLE)
    with other_connection() as elsewhere:
        elsewhere(lambda: end_sessions(backend_pid()))

    assert len(committing.commit()) == 2

    assert (kinds(good), kinds(bad)) == ([Renewed], [IntegrityError])


@postgresql_only
def test_a_batch_is_retried_after_postgresqls_clock_was_set_forward() -> None:
    AgentFactory.create(agent_id="a", expired=True)
    committing = Committing()
    committing.commit_all(committing.offer(Renewal("a")))
    connection.connection.clock.set(time.time() - 3600)  # an outdated reading

    call = committing.offer(Renewal("a"))
    committing.commit()

    assert kinds(call) == [Renewed]


def backend_pid() -> int:
    """Return the id of the backend that serves the test's connection."""
    return PIDS[threading.main_thread()]


PIDS: dict[threading.Thread, int] = {}


@pytest.fixture(autouse=True)
def _own_session() -> None:
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        PIDS[threading.main_thread()] = connection.connection.info.backend_pid


def end_sessions(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT PG_TERMINATE_BACKEND(%s, 10000)", [pid])


@pytest.mark.usefixtures("database_away")
def test_without_a_database_every_call_fails_with_503_and_later_ones_are_accepted() -> None:
    committing = Committing()
    calls = [committing.offer(Renewal("a"), Renewal("b")) for _ in range(3)]

    assert committing.commit() == calls

    assert [kinds(call) for call in calls] == [[OperationalError] * 2] * 3
    [answer] = {problem_of(outcome) for call in calls for outcome in call.outcomes}
    assert answer == (503, "5")
    committing.offer(Renewal("a"))
    assert len(committing.commit()) == 1


def problem_of(error: object) -> tuple[int, str]:
    assert isinstance(error, Exception)
    response = problem_response(error, {})
    assert response is not None
    return response.status_code, response["Retry-After"]


def test_the_thread_survives_an_exception_in_the_delivery() -> None:
    AgentFactory.create(agent_id="a")
    delivered: queue.SimpleQueue[str] = queue.SimpleQueue()

    def deliver(calls: list[Call]) -> None:
        connection.close()  # the thread does not end with the test
        group.delivered()
        for call in calls:
            delivered.put(call.caller)
            if call.caller == "first":
                raise RuntimeError("planted")

    group = GroupCommit(deliver)
    group.start()
    for caller in ("first", "second", "third"):
        assert group.offer(Call([Renewal("a")], caller))
        group.flush()
        assert delivered.get(timeout=SECONDS) == caller


# --- Locked records -------------------------------------------------------------------------


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call gives up waiting, however slow the machine is."""
    monkeypatch.setattr(heartbeat_calls, "LOCK_PATIENCE_SECONDS", SECONDS)


@postgresql_only
@pytest.mark.usefixtures("patience")
def test_a_locked_record_delays_only_its_own_callers() -> None:
    AgentFactory.create(agent_id="a", expired=True)
    AgentFactory.create(agent_id="b", expired=True)
    committing = Committing()
    waiting = committing.offer(Renewal("a"))
    many = committing.offer(Renewal("b"), Renewal("a", note="of many"), Renewal("nobody"))
    free = committing.offer(Renewal("b"))
    with locked("a"):
        assert committing.commit() == [free]
        assert kinds(free) == [Renewed]
        later = committing.offer(Renewal("b"))
        assert committing.commit() == [later]

    committing.commit_all(waiting, many)
    assert (kinds(waiting), kinds(many)) == ([Renewed], [Renewed, Renewed, UnknownAgent])
    assert AgentRecord.objects.alive().get(pk="a").note == "of many"


@postgresql_only
def test_a_call_that_waits_too_long_for_a_lock_fails_with_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat_calls, "LOCK_PATIENCE_SECONDS", 0.1)
    AgentFactory.create(agent_id="a")
    AgentFactory.create(agent_id="b")
    committing = Committing()
    one, many = committing.offer(Renewal("a")), committing.offer(Renewal("b"), Renewal("a"))
    with locked("a"):
        committing.commit_all(one, many)

    assert (kinds(one), kinds(many)) == ([LeaseLocked], [Renewed, LeaseLocked])
    assert problem_of(one.outcomes[0]) == (503, "1")


@postgresql_only
@pytest.mark.usefixtures("patience")
def test_calls_for_locked_records_leave_room_for_others() -> None:
    AgentFactory.create_batch(call_queue.MAX_BATCH + 200)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))
    AgentFactory.create(agent_id="free")
    committing = Committing()
    with locked(*ids):
        held = [committing.offer(Renewal(pk)) for pk in ids]
        for _ in range(3):
            committing.commit()
        free = [committing.offer(Renewal("free")) for _ in range(50)]
        assert committing.commit() == free

    committing.commit_all(*held)
    assert {kind for call in held for kind in kinds(call)} == {Renewed}


# --- Overload -------------------------------------------------------------------------------


def test_calls_that_could_not_be_served_in_time_are_refused_at_once() -> None:
    """With a tenth of the allowed time for each call, ten fit and the rest are refused."""
    committing = Committing()
    committing.group._calls._seconds_each = call_queue.PATIENCE_SECONDS / 10

    taken = [committing.group.offer(Call([Renewal("a")], None)) for _ in range(1_000)]

    assert taken == [True] * 10 + [False] * 990
    assert len(committing.commit()) == 10
    # Commits are quick again, and the estimate follows.
    for _ in range(50):
        committing.group.offer(Call([Renewal("a")], None))
        committing.commit()
    assert all(committing.group.offer(Call([Renewal("a")], None)) for _ in range(100))


def test_the_queue_of_waiting_calls_is_bounded() -> None:
    committing = Committing()
    call = Call([Renewal("a")] * 1_000, None)
    tracemalloc.start()
    try:
        with unmeasured():
            taken = sum(committing.group.offer(call) for _ in range(20_000))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken == call_queue.MAX_WAITING // 1_000
    assert most < 1_000_000


def test_new_calls_are_refused_while_a_commit_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call_queue, "PATIENCE_SECONDS", 0.1)
    AgentFactory.create(agent_id="a")
    done: list[Call] = []
    taken: list[Call] = []

    def deliver(calls: list[Call]) -> None:
        connection.close()  # the thread does not end with the test
        group.delivered()
        done.extend(calls)

    def is_taken() -> bool:
        call = Call([Renewal("a")], None)
        if not group.offer(call):
            return False
        taken.append(call)
        group.flush()
        return True

    group = GroupCommit(deliver)
    group.start()
    with database_locked():
        assert is_taken()
        wait_until(lambda: not is_taken(), "a refusal")
    wait_until(is_taken, "an end of the refusals")

    def are_all_done() -> bool:
        group.flush()
        return len(done) == len(taken)

    wait_until(are_all_done, "the outcomes of all accepted calls")
    assert {kind for call in done for kind in kinds(call)} == {Renewed}


def test_a_refused_call_gets_503_with_retry_after() -> None:
    group = GroupCommit(lambda _: None)
    group._calls._seconds_each = call_queue.PATIENCE_SECONDS
    fast_path = FastPath(group, Front(lambda peer, *_: (peer, None)))
    request = b"POST /agents/a/heartbeat HTTP/1.1\r\nHost: x\r\n\r\n"

    assert fast_path.take(request, "127.0.0.1", "first") is True
    refused = fast_path.take(request, "127.0.0.1", "second")

    assert isinstance(refused, Response)
    assert refused.caller == "second"
    assert refused.content.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1\r\n" in refused.content
    assert refused.keeps_open
