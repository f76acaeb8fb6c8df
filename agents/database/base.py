"""All SQL that differs between SQLite and PostgreSQL.

In fragments, ``%`` is ``%%``, and each argument, which may contain placeholders, occurs once.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, Q

from agents.database.statements import LoggedDelete, LoggedUpdate, LoggedUpsert, RowUpdate
from agents.database.words import WordIndex


class TakesTooLong(Exception):
    pass


class Dialect(WordIndex, ABC):
    name: ClassVar[str]
    has_one_writer: ClassVar[bool]
    is_local: ClassVar[bool]

    @abstractmethod
    def prepare_connection(self, connection: BaseDatabaseWrapper) -> None: ...

    @abstractmethod
    def now(self) -> str:
        """When the statement began."""

    @abstractmethod
    def now_after_waiting(self) -> str:
        pass

    @abstractmethod
    def now_plus(self, seconds: str) -> str:
        """`seconds` may be negative."""

    @abstractmethod
    def given_time(self, parameter: str) -> str: ...

    @abstractmethod
    def expires_at(self, heartbeat: str, ttl: str) -> str:
        """Exact to the microsecond. `ttl`: whole seconds."""

    @abstractmethod
    def has_expired(self, heartbeat: str, ttl: str) -> str:
        """True at exactly `expires_at`, too. The arguments contain no placeholders."""

    @abstractmethod
    def latest(self, time: str, other: str) -> str:
        """`other` may be NULL."""

    @abstractmethod
    def start_of_minute(self, time: str) -> str: ...

    @abstractmethod
    def microseconds(self, time: str) -> str:
        """Since 1970, as an integer."""

    @abstractmethod
    def seconds_since(self, time: str) -> str:
        """A float, exact to a millisecond; on SQLite ten times cheaper than `expires_at`."""

    @abstractmethod
    def list_contains(self, array: str, value: str) -> str: ...

    @abstractmethod
    def has_member(self, document: str, *keys_and_values: str) -> str:
        """Whether the member below these keys is one of some scalar values.

        They are a JSON array, the last argument. 1 equals 1.0.
        """

    @abstractmethod
    def some_rows(self, model: type[Model], tries: int) -> str:
        """Return a condition that is true for at most `tries` random rows of one table.

        All rows have the same chance. There may be far fewer.
        """

    @abstractmethod
    def starts_with(self, column: str, text: str) -> Q:
        """Return a case-sensitive filter that can use an index."""

    @abstractmethod
    def collation_of_letters(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return one for all letters; "" if the database's own is, None if there is none."""

    @abstractmethod
    def field_as_json(self, field: Field[Any, Any], column: str) -> str:
        """As DRF writes it, except for the spelling of numbers in JSON."""

    @abstractmethod
    def format_text(self, template: str, values: Sequence[str]) -> str:
        """`template` has a ``%%s`` for each value."""

    @abstractmethod
    def join_rows(self, text: str, condition: str) -> str:
        """Join the texts of matching rows by commas."""

    @abstractmethod
    def fingerprint(
        self, columns: Mapping[str, Field[Any, Any]], condition: str, place: str
    ) -> str:
        """Changes with the `columns` and the column `place` of matching rows."""

    @abstractmethod
    def text_as_json(self, text: str) -> str:
        """For an INSERT into a JSON column."""

    @abstractmethod
    def rows_of_json(self, model: type[Model]) -> str:
        """Return a SELECT of a model's columns from its parameter, a JSON array of objects."""

    @abstractmethod
    def update_rows(
        self, update: RowUpdate, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[tuple[Any, ...]]:
        """`rows` are sorted by key."""

    @abstractmethod
    def upsert(
        self, statement: LoggedUpsert, rows: Sequence[Sequence[Any]], *, waits: bool
    ) -> list[dict[str, Any]]:
        """Return `returning` and `created` of each row written. The keys of `rows` differ."""

    @abstractmethod
    def update_unlocked(self, statement: LoggedUpdate, keys: Sequence[str]) -> int:
        """Return how many rows were updated. Skip locked rows."""

    @abstractmethod
    def delete(
        self,
        statement: LoggedDelete,
        condition: str,
        parameters: Sequence[Any],
        log_parameters: Sequence[Any],
    ) -> int:
        pass

    @abstractmethod
    def delete_in_batches(
        self, statement: LoggedDelete, condition: str, log_parameters: Sequence[Any], size: int
    ) -> Iterator[int]:
        """Yield how many rows each transaction deleted. Skip locked rows."""

    @abstractmethod
    def next_id(self, model: type[Model]) -> str:
        """Return an id that no row has had, for an INSERT's SELECT."""

    @abstractmethod
    def next_id_after_waiting(self, model: type[Model], column: str) -> str:
        """For the DO UPDATE: such an id, taken after the row is locked."""

    @abstractmethod
    def skip_ids(self, model: type[Model], count: int) -> int:
        """Return the last of `count` ids that will never be assigned."""

    @abstractmethod
    def open_writers(self, model: type[Model]) -> frozenset[str]:
        """Return others' transactions that may hold ids."""

    @abstractmethod
    def session(self) -> int:
        """Return the number of this connection's session, or 0."""

    @abstractmethod
    def session_has_ended(self, session: int) -> bool: ...

    @abstractmethod
    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Raise TakesTooLong."""

    @abstractmethod
    def without_waiting_for_writers(self) -> AbstractContextManager[None]:
        """Fail instead of waiting."""

    @abstractmethod
    def in_one_process(self) -> AbstractContextManager[None]:
        """Without parallel workers: time equals cost."""

    @abstractmethod
    def close_before_fork(self) -> None:
        """Close this thread's connection if a fork must not share it."""

    @abstractmethod
    def size_on_disk(self, model: type[Model]) -> int | None:
        """In bytes, with indexes. None in memory."""
