"""Time limits for queries that people ask for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from agents.database.dialect import dialect


class TakesTooLong(Exception):
    pass


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt queries that take longer, and raise TakesTooLong."""
    try:
        with dialect.time_limit(seconds):
            yield
    except OperationalError as error:
        if dialect.was_interrupted(error):
            raise TakesTooLong(f"no answer within {seconds:g} s") from error
        raise
