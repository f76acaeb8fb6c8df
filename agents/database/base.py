"""The interface of a dialect: all SQL that differs between SQLite and PostgreSQL.

Fragments are for statements with parameters: a literal ``%`` is ``%%``, and each argument occurs
once, as it may contain placeholders, unless the method says otherwise.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, Q

from agents.database.statements import LoggedDelete, LoggedUpsert, RowUpdate


class TakesTooLong(Exception):
    pass


class Dialect(ABC):
    name: ClassVar[str]  # for people
    has_one_writer: ClassVar[bool]
    is_local: ClassVar[bool]

    @abstractmethod
    def prepare_connection(self, connection: BaseDatabaseWrapper) -> None: ...

    # Times: SQL that compares with columns.

    @abstractmethod
    def now(self) -> str:
        """Return the time at which the statement began."""

    @abstractmethod
    def now_after_waiting(self) -> str:
        """Return the time after waiting for locks."""

    @abstractmethod
    def now_plus(self, seconds: str) -> str:
        """Return `now` plus seconds, which may be negative."""

    @abstractmethod
    def given_time(self, parameter: str) -> str: ...

    @abstractmethod
    def expires_at(self, heartbeat: str, ttl: str) -> str:
        """Return `heartbeat` plus whole seconds, exact to the microsecond."""

    @abstractmethod
    def has_expired(self, heartbeat: str, ttl: str) -> str:
        """Return whether `expires_at` is not after `now`.

        Both arguments may occur more than once, so they contain no placeholders.
        """

    @abstractmethod
    def latest(self, time: str, other: str) -> str:
        """Return the later time; `other` may be NULL."""

    @abstractmethod
    def start_of_minute(self, time: str) -> str: ...

    @abstractmethod
    def microseconds(self, time: str) -> str:
        """Return an integer: microseconds since 1970."""

    @abstractmethod
    def seconds_since(self, time: str) -> str:
        """Return a float, exact to a millisecond: on SQLite ten times cheaper than `expires_at`."""

    @abstractmethod
    def list_contains(self, array: str, value: str) -> str: ...

    @abstractmethod
    def starts_with(self, column: str, text: str) -> Q:
        """Return a case-sensitive filter that can use an index."""

    @abstractmethod
    def collation_of_letters(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return a quoted collation that knows the case of all letters.

        It is empty if the database's own does, and None if there is none.
        """

    # JSON as text, made by the database.

    @abstractmethod
    def field_as_json(self, field: Field[Any, Any], column: str) -> str:
        """Return a column's JSON as DRF would, but for the spelling of numbers in JSON."""

    @abstractmethod
    def format_text(self, template: str, values: Sequence[str]) -> str:
        """`template` has a ``%%s`` for each value."""

    @abstractmethod
    def join_rows(self, text: str, condition: str) -> str:
        """Return the texts of rows that meet `condition`, separated by commas."""

    @abstractmethod
    def fingerprint(self, columns: Mapping[str, Field[Any, Any]], condition: str) -> str:
        """Return what changes with any of `columns` in the rows that meet `condition`."""

    # Writes.

    @abstractmethod
    def update_rows(
        self, update: RowUpdate, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[tuple[Any, ...]]:
        """Return what the statement returns. Without `waits`, locked rows are skipped.

        `rows` are in the order of their keys.
        """

    @abstractmethod
    def upsert(
        self, statement: LoggedUpsert, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[dict[str, Any]]:
        """Write both the rows and the log, or nothing of a row if the `condition` forbids it.

        Return what the statement returns for each row written, and `created`. `rows` have JSON
        values and different keys. Without `waits`, locked rows are skipped.
        """

    @abstractmethod
    def delete(
        self,
        statement: LoggedDelete,
        condition: str,
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> int:
        """Delete the rows that meet `condition`; return how many."""

    @abstractmethod
    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        """Do the same in transactions of at most `size` rows; yield after each how many.

        Goes through the table once, and skips locked rows. Each DELETE checks `condition` again.
        """

    @abstractmethod
    def next_id(self, model: type[Model]) -> str:
        """Return SQL, for the SELECT of an INSERT, of an id that no row has had."""

    @abstractmethod
    def next_id_after_waiting(self, model: type[Model], column: str) -> str:
        """Return SQL, for its DO UPDATE, of such an id, taken after the row is locked.

        `column`: where the INSERT would put its own.
        """

    @abstractmethod
    def skip_ids(self, model: type[Model], count: int) -> int:
        """Return the last of `count` ids that will never be assigned."""

    @abstractmethod
    def open_writers(self, model: type[Model]) -> frozenset[str]:
        """Return others' open transactions that may hold ids."""

    # Connections.

    @abstractmethod
    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Interrupt statements of the block that take longer, and raise TakesTooLong."""

    @abstractmethod
    def without_waiting_for_writers(self) -> AbstractContextManager[None]:
        """Let statements fail at once instead of waiting for another writer."""

    @abstractmethod
    def in_one_process(self) -> AbstractContextManager[None]:
        """Let statements run in a single process, so that they cost what they take."""

    @abstractmethod
    def close_before_fork(self) -> None:
        """Close this thread's connection if a fork must not share it."""

    @abstractmethod
    def size_on_disk(self, model: type[Model]) -> int | None:
        """Return the bytes of a table with its indexes, or of a file; None in memory."""
