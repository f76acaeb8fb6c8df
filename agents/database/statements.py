"""Descriptions of the statements that SQLite and PostgreSQL run in different ways."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class RowUpdate:
    """An UPDATE of many rows, each with values of its own.

    A row that is given has values for `keys` and then for `values`: names, with their types on
    PostgreSQL. Its values are called `given` in `match` and `changes`, and the row in the table
    `held`. `match` finds at most one held row for a given one. `returning` may contain all columns
    but those of `values`. Rows are locked in the order of the column `lock_order`. A server that
    starts the statement later than `max_delay` seconds after it was sent does nothing.
    """

    table: str
    keys: Mapping[str, str]
    values: Mapping[str, str]
    match: str
    changes: str
    returning: str
    lock_order: str
    max_delay: float


@dataclass(frozen=True, eq=False)
class LoggedUpsert:
    """An INSERT with ON CONFLICT DO UPDATE, and another INSERT with what came of it.

    `upsert` has no RETURNING: `returning` has the expressions for it, by name. `log` inserts from
    a table `written` with these columns and `created`, which is whether the row is new. `key` is
    the column of the conflict.
    """

    table: str
    key: str
    upsert: str
    returning: Mapping[str, str]
    log: str


@dataclass(frozen=True, eq=False)
class LoggedDelete:
    """A DELETE, and an INSERT for what it deleted; `returning` and `log` are as above."""

    table: str
    returning: Mapping[str, str]
    log: str


def returning_clause(returning: Mapping[str, str]) -> str:
    """Return RETURNING with its expressions and their names."""
    return "RETURNING " + ", ".join(f"{sql} AS {name}" for name, sql in returning.items())
