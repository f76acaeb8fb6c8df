"""Time limits for queries that people ask for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from agents.database.dialect import dialect


class TakesTooLong(Exception):
    """The time limit interrupted a query."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TakesTooLong if a query of the block is not done by then."""
    try:
        with dialect.time_limit(seconds):
            yield
    except OperationalError as error:
        if dialect.was_interrupted(error):
            raise TakesTooLong(f"no answer within {seconds:g} s") from error
        raise
