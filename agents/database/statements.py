from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class RowUpdate:
    """An UPDATE of rows `held` in the table, each with values `given`.

    `keys`, then `values`: the columns of `given`, with their types on PostgreSQL.
    `match`: finds at most one held row for a given one.
    `returning`: any columns but `values`.
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
    """An INSERT ... ON CONFLICT (`key`) DO UPDATE of many rows, and INSERTs that follow from it.

    `given`: the columns of the rows, with their types on PostgreSQL.
    `values`: what to insert, by column. `changes`: what to update if `condition` is true.
    `returning`: expressions by name, `key` among them.
    `logs`: insert from a table `written`, with the columns of `returning`, `logged`, and `created`.
    Those of `logged` that are JSON are texts there.
    """

    table: str
    key: str
    given: Mapping[str, str]
    values: Mapping[str, str]
    changes: Mapping[str, str]
    condition: str
    returning: Mapping[str, str]
    logs: Sequence[str]
    logged: Sequence[str]

    def insert_sql(self, select: str) -> str:
        changes = ", ".join(f"{name} = {value}" for name, value in self.changes.items())
        return (
            f"INSERT INTO {self.table} AS held ({', '.join(self.values)}) {select}"
            f" ON CONFLICT ({self.key}) DO UPDATE SET {changes} WHERE {self.condition}"
        )


@dataclass(frozen=True, eq=False)
class LoggedDelete:
    """`returning` as above, and one of `logs`, without `logged`."""

    table: str
    returning: Mapping[str, str]
    log: str


@dataclass(frozen=True, eq=False)
class LoggedUpdate:
    """An UPDATE of rows, and an INSERT that logs it, as in LoggedDelete.

    It changes those of the given rows, by their `key`, that meet the `condition`.
    """

    table: str
    key: str
    changes: Mapping[str, str]
    condition: str
    returning: Mapping[str, str]
    log: str

    @property
    def update_sql(self) -> str:
        changes = ", ".join(f"{name} = {value}" for name, value in self.changes.items())
        return f"UPDATE {self.table} SET {changes}"


def returning_clause(returning: Mapping[str, str]) -> str:
    return "RETURNING " + ", ".join(f"{sql} AS {name}" for name, sql in returning.items())
