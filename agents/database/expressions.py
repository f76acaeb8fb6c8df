from collections.abc import Callable
from typing import Any, ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Func
from django.db.models.sql.compiler import SQLCompiler

from agents.database.dialect import dialect

Compiled = tuple[str, Any]


class Fragment(Func):
    fragment: ClassVar[Callable[..., str]]

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        parameters = [value for _, values in compiled for value in values]
        return self.fragment(*(sql for sql, _ in compiled)), parameters


class ListContains(Fragment):
    """Django has this for PostgreSQL only."""

    fragment = staticmethod(dialect.list_contains)
    arity = 2
    output_field = BooleanField()
