"""Statements that SQLite and PostgreSQL run in different ways."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class RowUpdate:
    """An UPDATE of rows `held` in the table, each with values `given`.

    `keys`, then `values`: the columns of `given`, with their types on PostgreSQL.
    `match`: finds at most one held row for a given one.
    `returning`: any columns but those of `values`.
    `max_delay`: seconds after which a server that was frozen must not start.
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
    """An INSERT with ON CONFLICT (`key`) DO UPDATE, and an INSERT that logs it.

    `returning`: expressions by name. `log` inserts from `written`, which has these columns and
    `created`: whether the row is new.
    """

    table: str
    key: str
    upsert: str
    returning: Mapping[str, str]
    log: str


@dataclass(frozen=True, eq=False)
class LoggedDelete:
    """A DELETE, and an INSERT that logs it; `returning` and `log` as above."""

    table: str
    returning: Mapping[str, str]
    log: str


def returning_clause(returning: Mapping[str, str]) -> str:
    return "RETURNING " + ", ".join(f"{sql} AS {name}" for name, sql in returning.items())
