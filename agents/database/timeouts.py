"""A limit for how long a query that a person asks for may take."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from agents.database.dialect import dialect


class TakesTooLong(Exception):
    """A query was interrupted by its time limit."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt queries of the block after so many seconds, and raise TakesTooLong."""
    try:
        with dialect.time_limit(seconds):
            yield
    except OperationalError as error:
        if dialect.was_interrupted(error):
            raise TakesTooLong(f"no answer within {seconds:g} s") from error
        raise
