from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, TextField
from django.db.models.lookups import IContains
from django.db.models.sql.compiler import SQLCompiler

from agents.database.dialect import dialect_of


@CharField.register_lookup
@TextField.register_lookup
class ContainsInAnyCase(IContains):
    """Knows letters that the database's locale does not know."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        # For ASCII, the locale is right, and fastest.
        is_plain = not isinstance(self.rhs, str) or self.rhs.isascii()
        collation = None if is_plain else dialect_of(connection).collation_of_letters(connection)
        if not collation:
            return super().as_sql(compiler, connection)
        text, parameters = compiler.compile(self.lhs)
        pattern, patterns = self.process_rhs(compiler, connection)
        return (
            f"UPPER({text} COLLATE {collation}) LIKE UPPER({pattern} COLLATE {collation})",
            [*parameters, *patterns],
        )
