"""A frozen PostgreSQL costs callers a few seconds and does not bring the registry down."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, OperationalError
from django.db.utils import load_backend
from pytest_django import DjangoDbBlocker

from registry_project.postgresql import connection as limits
from registry_project.postgresql import deadlines
from registry_project.postgresql.deadlines import ServerClock
from tests.integration.postgres_cluster import PostgresCluster, running_cluster
from tests.integration.registry_process import environment_for, migrate, started_registry
from tests.processes import wait_until

pytestmark = pytest.mark.integration

TIMEOUT_SECONDS = 2.0


@pytest.fixture(scope="module")
def cluster(postgres_programs: Path) -> Iterator[PostgresCluster]:
    with running_cluster(postgres_programs) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def with_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow these tests to connect to a server of their own, through Django's backend."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def limited() -> Iterator[None]:
    limits.limit_waiting(TIMEOUT_SECONDS)
    yield
    limits.limit_waiting(None)


@contextmanager
def frozen(cluster: PostgresCluster) -> Iterator[None]:
    cluster.freeze()
    try:
        yield
    finally:
        cluster.thaw()


def connect(cluster: PostgresCluster) -> Any:
    """Return a Django connection that is not one of those in the settings."""
    wrapper = load_backend("registry_project.postgresql").DatabaseWrapper
    return wrapper(
        {
            "NAME": "postgres",
            "USER": "registry",
            "PASSWORD": "",
            "HOST": "127.0.0.1",
            "PORT": str(cluster.port),
            "OPTIONS": {"connect_timeout": 2},
            "AUTOCOMMIT": True,
            "ATOMIC_REQUESTS": False,
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": False,
            "TIME_ZONE": None,
        }
    )


def query(connection: Any, sql: str = "SELECT 1") -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_a_query_to_a_frozen_server_times_out_and_closes_the_connection(
    cluster: PostgresCluster, limited: None
) -> None:
    connection = connect(cluster)
    assert query(connection) == 1
    with frozen(cluster):
        started = time.monotonic()
        with pytest.raises(OperationalError, match="no answer within 2 s"):
            query(connection)
        assert TIMEOUT_SECONDS <= time.monotonic() - started < TIMEOUT_SECONDS * 3
        assert connection.connection.closed
    connection.close()


def test_after_a_timeout_other_queries_fail_at_once_until_the_server_answers_again(
    cluster: PostgresCluster, limited: None
) -> None:
    first, second = connect(cluster), connect(cluster)
    query(first)
    query(second)
    with frozen(cluster):
        with pytest.raises(OperationalError):
            query(first)
        started = time.monotonic()
        with pytest.raises(OperationalError, match="a moment ago"):
            query(second)
        with pytest.raises(OperationalError, match="a moment ago"):
            query(connect(cluster))
        assert time.monotonic() - started < TIMEOUT_SECONDS

    first.close()

    def answers() -> bool:
        try:
            return bool(query(first))
        except OperationalError:
            return False

    wait_until(answers, "an answer")
    assert query(second) == 1
    first.close()
    second.close()


def test_during_an_outage_only_one_query_at_a_time_waits(
    cluster: PostgresCluster, limited: None
) -> None:
    with frozen(cluster):
        with pytest.raises(OperationalError):
            query(connect(cluster))
        ended = threading.Event()

        def query_until_ended() -> list[float]:
            waits = []
            while not ended.is_set():
                started = time.monotonic()
                with pytest.raises(OperationalError):
                    query(connect(cluster))
                waits.append(time.monotonic() - started)
                ended.wait(0.01)
            return waits

        with ThreadPoolExecutor(4) as pool:
            threads = [pool.submit(query_until_ended) for _ in range(4)]
            ended.wait(4.5)
            ended.set()
        long_waits = [seconds for thread in threads for seconds in thread.result() if seconds > 1.5]
    # A wait takes two seconds and a pause of one precedes it. Without the rule all four threads
    # would wait, each more than once.
    assert 1 <= len(long_waits) <= 3


def test_the_server_cancels_statements_and_lock_waits_that_take_too_long(
    cluster: PostgresCluster, limited: None
) -> None:
    connection, other = connect(cluster), connect(cluster)
    with pytest.raises(OperationalError, match="statement timeout"):
        query(connection, "SELECT pg_sleep(10)")
    assert query(connection, "SHOW idle_in_transaction_session_timeout") == "4s"

    query(other, "SELECT pg_advisory_lock(1)")
    with pytest.raises(OperationalError, match="lock timeout"):
        query(connection, "SELECT pg_advisory_lock(1)")
    assert query(connection) == 1  # neither closed the connection
    connection.close()
    other.close()


def test_commands_have_no_time_limit(cluster: PostgresCluster) -> None:
    connection = connect(cluster)
    connection.inc_thread_sharing()
    assert query(connection, "SHOW statement_timeout") == "0"
    with ThreadPoolExecutor(1) as pool, frozen(cluster):
        waiting = pool.submit(query, connection)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        cluster.thaw()
        assert waiting.result(timeout=30) == 1
    connection.close()


@pytest.mark.usefixtures("limited")
class TestAbandonedStatements:
    """The server executes these after their callers have given up."""

    @pytest.fixture
    def connection(self, cluster: PostgresCluster) -> Iterator[Any]:
        with psycopg.connect(cluster.url) as owner:
            owner.execute("DROP TABLE IF EXISTS notes")
            owner.execute("CREATE TABLE notes (note text)")
        connection = connect(cluster)
        yield connection
        connection.close()

    @pytest.fixture
    def end(self, cluster: PostgresCluster) -> Callable[[int], None]:
        """Wait until a backend has ended, and with it every statement it received."""

        def wait(backend: int) -> None:
            sql = f"SELECT COUNT(*) FROM pg_stat_activity WHERE pid = {backend}"  # noqa: S608
            wait_until(lambda: query_separately(cluster, sql) == 0, "the end of the backend")

        return wait

    def test_an_abandoned_statement_is_rolled_back(
        self, connection: Any, cluster: PostgresCluster, end: Callable[[int], None]
    ) -> None:
        backend = query(connection, "SELECT pg_backend_pid()")
        with frozen(cluster), pytest.raises(OperationalError):
            query(connection, "INSERT INTO notes VALUES ('late') RETURNING note")
        end(backend)

        assert notes(cluster) == []

    def test_an_abandoned_transaction_is_not_committed(
        self, connection: Any, cluster: PostgresCluster, end: Callable[[int], None]
    ) -> None:
        backend = query(connection, "SELECT pg_backend_pid()")
        connection.set_autocommit(False)
        query(connection, "INSERT INTO notes VALUES ('late') RETURNING note")
        with frozen(cluster), pytest.raises(OperationalError):
            connection.commit()
        end(backend)

        assert notes(cluster) == []

    def test_statements_that_are_not_abandoned_are_executed(
        self, connection: Any, cluster: PostgresCluster
    ) -> None:
        assert query(connection, "INSERT INTO notes VALUES ('100%') RETURNING note") == "100%"
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO notes SELECT %s FROM generate_series(1, 2)", ["twice;"])
            assert cursor.rowcount == 2
        connection.set_autocommit(False)
        query(connection, "INSERT INTO notes VALUES ('once') RETURNING note")
        connection.commit()

        assert notes(cluster) == ["100%", "twice;", "twice;", "once"]

    def test_after_a_server_clock_was_changed_the_clock_is_read_again(
        self, connection: Any, cluster: PostgresCluster
    ) -> None:
        query(connection)
        connection.connection.clock.set(time.time() - 3600)
        with pytest.raises(OperationalError, match="too late"):
            query(connection, "INSERT INTO notes VALUES ('first') RETURNING note")
        query(connection, "INSERT INTO notes VALUES ('second') RETURNING note")

        assert notes(cluster) == ["second"]

    def test_a_deadline_is_never_later_than_requested(self, connection: Any) -> None:
        query(connection)
        deadlines = [connection.connection.deadline(seconds) for seconds in (0.5, 1000)]
        now = connection.connection.read_clock()

        assert now < deadlines[0] <= now + 0.5
        assert now + 0.5 < deadlines[1] <= now + TIMEOUT_SECONDS

    def test_executemany_needs_a_transaction(
        self, connection: Any, cluster: PostgresCluster
    ) -> None:
        sql, values = "INSERT INTO notes VALUES (%s)", [["one"], ["two"]]
        with connection.cursor() as cursor, pytest.raises(NotSupportedError):
            cursor.executemany(sql, values)
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.executemany(sql, values)
        connection.commit()

        assert notes(cluster) == ["one", "two"]

    def test_server_side_binding_is_refused(self, cluster: PostgresCluster) -> None:
        connection = connect(cluster)
        connection.settings_dict["OPTIONS"]["server_side_binding"] = True
        with pytest.raises(ImproperlyConfigured, match="server_side_binding"):
            query(connection)


def query_separately(cluster: PostgresCluster, sql: str) -> Any:
    with psycopg.connect(cluster.url) as connection:
        [answer] = connection.execute(sql).fetchone() or [None]
    return answer


def notes(cluster: PostgresCluster) -> list[str]:
    answer: list[str] = query_separately(
        cluster, "SELECT COALESCE(ARRAY_AGG(note), '{}') FROM notes"
    )
    return answer


class TestServerClock:
    def test_the_clock_is_unknown_until_set_and_after_forget(self) -> None:
        clock = ServerClock()
        known = [clock.is_known]
        clock.set(0)
        known.append(clock.is_known)
        clock.forget()
        known.append(clock.is_known)

        assert known == [False, True, False]

    def test_the_clock_becomes_unknown_after_its_maximum_age(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = ServerClock()
        clock.set(0)
        monkeypatch.setattr(deadlines, "MAX_AGE_SECONDS", 0)
        assert not clock.is_known

    def test_the_clock_advances_with_monotonic_time(self) -> None:
        clock = ServerClock()
        began = time.monotonic()
        clock.set(1000)
        assert 1005 <= clock.after(5) <= 1005 + time.monotonic() - began


class TestConnectionHealthChecks:
    """Django checks a connection once per request, before its first statement."""

    @pytest.fixture
    def connection(self, cluster: PostgresCluster) -> Iterator[Any]:
        connection = connect(cluster)
        connection.settings_dict["CONN_HEALTH_CHECKS"] = True
        yield connection
        connection.close()

    def test_a_connection_that_has_just_worked_is_not_checked(self, connection: Any) -> None:
        backend = query(connection, "SELECT pg_backend_pid()")
        connection.close_if_unusable_or_obsolete()  # Django, when a request begins
        connection.close_if_health_check_failed()
        assert last_statement_of(connection, backend) == "SELECT pg_backend_pid()"

    def test_a_connection_that_was_idle_for_a_while_is_checked(
        self, connection: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backend = query(connection, "SELECT pg_backend_pid()")
        monkeypatch.setattr(limits, "JUST_NOW_SECONDS", -1)
        connection.close_if_unusable_or_obsolete()
        connection.close_if_health_check_failed()
        assert "CLOCK_TIMESTAMP" in last_statement_of(connection, backend)

    def test_a_connection_to_a_server_that_was_restarted_is_replaced(
        self, connection: Any, cluster: PostgresCluster
    ) -> None:
        query(connection)
        cluster.stop_at_once()
        cluster.start()
        connection.close_if_unusable_or_obsolete()

        assert query(connection) == 1

    def test_a_closed_connection_has_not_just_worked(self, connection: Any) -> None:
        query(connection)
        connection.connection.close()

        assert not connection.connection.worked_just_now


def last_statement_of(connection: Any, backend: int) -> str:
    """Return the last query of a session on the same server."""
    info = connection.connection.info
    with psycopg.connect(info.dsn) as other:
        sql = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        [statement] = other.execute(sql, [backend]).fetchone() or [""]
    return str(statement)


def test_after_a_refused_connection_the_next_attempt_does_not_wait(limited: None) -> None:
    with pytest.raises(psycopg.OperationalError), limits.outage.watch():
        raise psycopg.OperationalError("connection refused")
    with limits.outage.watch():
        pass


def test_the_registry_answers_503_in_time_and_recovers(
    cluster: PostgresCluster, tmp_path: Path
) -> None:
    environment = environment_for(
        tmp_path,
        DATABASE_URL=cluster.url,
        DATABASE_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
        REGISTRY_AUTH="open",
        TERM="dumb",
    )
    migrate(environment)
    with (
        started_registry(tmp_path, environment, ["--workers=1"]) as registry,
        httpx.Client(base_url=registry.url, timeout=30) as http,
        ThreadPoolExecutor(20) as pool,
    ):
        registry.wait_until_ready()
        with frozen(cluster):
            started = time.monotonic()
            # More requests than threads: none is free for a request that needs the database.
            answers = [
                pool.submit(httpx.get, f"{registry.url}/agents", timeout=30) for _ in range(20)
            ]
            while wait(answers, timeout=0.1).not_done:
                sent = time.monotonic()
                assert http.get("/health/live").is_success
                assert time.monotonic() - sent < TIMEOUT_SECONDS
            assert {answer.result().status_code for answer in answers} == {503}
            assert all(int(answer.result().headers["Retry-After"]) for answer in answers)
            assert time.monotonic() - started < 15
            assert http.get("/health/ready").status_code == 503
        wait_until(lambda: http.get("/agents").is_success, "the listing")
        registry.wait_until_ready()
