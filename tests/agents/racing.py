"""Run functions at the same moment, as several processes would."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from agents import leases

Together = Callable[..., list[Any]]

postgresql_only = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a row lock: SQLite lets one writer in at a time"
)


@contextmanager
def racing() -> Iterator[Together]:
    """Yield a function that runs others at the same moment and returns their results.

    Each runs on a connection of its own.
    """
    with ThreadPoolExecutor(16) as threads:

        def together(*functions: Callable[[], Any]) -> list[Any]:
            barrier = threading.Barrier(len(functions))

            def run(function: Callable[[], Any]) -> Any:
                try:
                    barrier.wait()
                    return function()
                finally:
                    connection.close()

            return list(threads.map(run, functions))

        yield together


def wait_for_a_lock() -> None:
    """Block until another session waits for a lock."""
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    pytest.fail("no session waits for a lock")


def behind_a_renewal(together: Together, agent_id: str, waits: Callable[[], Any]) -> Any:
    """Run `waits` while a renewal holds the record, so that it has to wait for the lock.

    Return the database's time when the lock was released, and what `waits` returned.
    """
    renewing = threading.Event()

    def renewal() -> datetime:
        with transaction.atomic():
            leases.renew(agent_id=agent_id)
            renewing.set()
            wait_for_a_lock()
            with connection.cursor() as cursor:
                cursor.execute("SELECT CLOCK_TIMESTAMP()")
                until: datetime = cursor.fetchone()[0]
        return until

    def wait() -> Any:
        assert renewing.wait(30)
        return waits()

    return together(renewal, wait)
