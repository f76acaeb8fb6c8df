"""The interface of a dialect: all SQL that differs between SQLite and PostgreSQL.

The dialect of the database in use is `agents.database.dialect.dialect`. It knows no models of ours:
tables, columns and rules come from the callers.

Fragments of SQL are for statements with parameters, so a literal ``%`` is written ``%%``. An
argument occurs once in its fragment, so that placeholders in it match their parameters.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, Q

from agents.database.statements import LoggedDelete, LoggedUpsert, RowUpdate


class Dialect(ABC):
    """`name` is for people."""

    name: ClassVar[str]
    # Whether a second writer waits until the first has committed, whatever rows they write.
    has_one_writer: ClassVar[bool]
    # Whether only processes of one machine can use the database.
    is_local: ClassVar[bool]

    @abstractmethod
    def prepare_connection(self, connection: BaseDatabaseWrapper) -> None:
        """Prepare a connection that has just been opened."""

    # The clock: times are SQL, and compare with columns of times.

    @abstractmethod
    def now(self) -> str:
        """Return the time at which the statement began. SQLite's clock has milliseconds."""

    @abstractmethod
    def now_after_waiting(self) -> str:
        """Return the present time, for what is evaluated after the statement waited for a lock."""

    @abstractmethod
    def now_plus(self, seconds: str) -> str:
        """Return `now` plus a number of seconds, which is SQL too and may be negative."""

    @abstractmethod
    def given_time(self, parameter: str) -> str:
        """Return a datetime that comes as a parameter."""

    @abstractmethod
    def expires_at(self, heartbeat: str, ttl: str) -> str:
        """Return the time `ttl` whole seconds after `heartbeat`, exact to the microsecond."""

    @abstractmethod
    def latest(self, time: str, other: str) -> str:
        """Return the later of two times, of which `other` may be NULL."""

    @abstractmethod
    def start_of_minute(self, time: str) -> str:
        """Return the whole minute in which a time lies."""

    @abstractmethod
    def microseconds(self, time: str) -> str:
        """Return a time as an integer: microseconds since 1970."""

    @abstractmethod
    def seconds_since(self, time: str) -> str:
        """Return how long ago a time was, as a float that is exact to a millisecond.

        On SQLite it takes a tenth of the time of `expires_at`, and so is good for counting.
        """

    # Filters.

    @abstractmethod
    def list_contains(self, array: str, value: str) -> str:
        """Return whether a JSON array of strings contains a string."""

    @abstractmethod
    def starts_with(self, column: str, text: str) -> Q:
        """Return the filter for a prefix; it is case-sensitive and can use the column's index."""

    # JSON that the database makes: text, as SQL.

    @abstractmethod
    def field_as_json(self, field: Field[Any, Any], column: str) -> str:
        """Return the JSON of a column that holds values of `field`.

        It is the JSON of the REST framework; only numbers within JSON may be spelled differently.
        """

    @abstractmethod
    def format_text(self, template: str, values: Sequence[str]) -> str:
        """Return `template` with its ``%%s`` replaced by values."""

    @abstractmethod
    def join_rows(self, text: str, condition: str) -> str:
        """Return the texts of all rows for which `condition` holds, with commas in between."""

    @abstractmethod
    def fingerprint(self, columns: Mapping[str, Field[Any, Any]], condition: str) -> str:
        """Return a text that changes with any column of the rows for which `condition` holds."""

    # Writes.

    @abstractmethod
    def update_rows(
        self, update: RowUpdate, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[tuple[Any, ...]]:
        """Run `update` by one statement, for `rows` in the order of their keys.

        Return what it returns for each row that it changed. Without `waits`, rows locked by
        others are left out.
        """

    @abstractmethod
    def upsert(
        self,
        statement: LoggedUpsert,
        key: Any,
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> dict[str, Any] | None:
        """Insert or update the row of `key`, and write the log; both or neither.

        Return what the statement returns, and `created`. Return None if its conditions prevent
        the update.
        """

    @abstractmethod
    def delete(
        self,
        statement: LoggedDelete,
        condition: str,
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> int:
        """Delete the rows for which `condition` holds, and write the log; return how many."""

    @abstractmethod
    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        """Do the same in transactions of at most `size` rows; yield after each how many.

        It goes through the table once. Each DELETE checks `condition` again, so that a row which
        has changed since it was found survives. Rows that others have locked are left.
        """

    @abstractmethod
    def next_id(self, model: type[Model]) -> str:
        """Return, as SQL for an INSERT, an id of `model` that no row has had."""

    @abstractmethod
    def skip_ids(self, model: type[Model], count: int) -> int:
        """Never assign the next `count` ids of `model`; return the last of them."""

    @abstractmethod
    def open_writers(self, model: type[Model]) -> frozenset[str]:
        """Return other connections' open transactions that may hold ids of `model`."""

    # Connections.

    @abstractmethod
    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Interrupt statements of the block after so many seconds: see `was_interrupted`."""

    @abstractmethod
    def was_interrupted(self, error: Exception) -> bool:
        """Return whether a statement failed because of its `time_limit`."""

    @abstractmethod
    def without_waiting_for_writers(self) -> AbstractContextManager[None]:
        """Let statements of the block fail at once where they would wait for another writer."""

    @abstractmethod
    def close_before_fork(self) -> None:
        """Close this thread's connection if it must not be open when the process forks."""

    @abstractmethod
    def size_on_disk(self, model: type[Model]) -> int | None:
        """Return the bytes of a table with its indexes, or of all tables if they share a file.

        None for a database in memory.
        """
