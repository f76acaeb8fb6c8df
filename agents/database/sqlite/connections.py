import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError, connection
from django.db.models import Model

from agents.database.base import TakesTooLong

# Instructions between two looks at the clock.
STEPS = 10_000


class Connections:
    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        connection.ensure_connection()
        sqlite = connection.connection
        end = time.monotonic() + seconds
        sqlite.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        try:
            yield
        except OperationalError as error:
            if str(error) == "interrupted":
                raise TakesTooLong from error
            raise
        finally:
            sqlite.set_progress_handler(None, 0)

    @contextmanager
    def without_waiting_for_writers(self) -> Iterator[None]:
        with connection.cursor() as cursor:
            [milliseconds] = cursor.execute("PRAGMA busy_timeout").fetchone()
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                yield
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {int(milliseconds)}")

    @contextmanager
    def in_one_process(self) -> Iterator[None]:
        yield

    def session(self) -> int:
        return 0

    def session_has_ended(self, session: int) -> bool:  # noqa: ARG002
        return False

    def close_before_fork(self) -> None:
        # File locks belong to the process that took them.
        connection.close()

    def size_on_disk(self, model: type[Model]) -> int | None:  # noqa: ARG002
        path = Path(str(connection.settings_dict["NAME"]))
        return path.stat().st_size if path.is_file() else None
