"""Table names for SQL written by hand."""

from django.db import connection
from django.db.models import Model


def table(model: type[Model]) -> str:
    """Return the name of a model's table, quoted."""
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - Django documents it
