"""Empties the database after a test that commits.

Django truncates every table, and then makes content types and permissions again.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

# What migrations make, and tests that commit leave alone.
KEPT: list[Any] = [ContentType, Permission, Group, Group.permissions.through]


def empty_filled_tables(_test: TransactionTestCase) -> None:
    kept = {model._meta.db_table for model in KEPT}
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    checked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})"  # noqa: S608 - ours
        for table in set(tables) - kept
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(checked)
        filled = [table for (table,) in cursor.fetchall()]
        if filled and connection.vendor == "postgresql":
            # DELETE would leave the pages of a large fleet behind.
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        elif filled:
            for table in filled:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
