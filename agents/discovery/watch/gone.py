import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from agents.database.dialect import dialect
from agents.database.tables import table
from agents.discovery.filters import Filters
from agents.models import AgentRecord


def matching(filters: Filters, records: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Return the keys of the records that match."""
    if not records:
        return set()
    # The generation carries the key through the query.
    rows = [{**record, "generation": key} for key, record in records.items()]
    agents = filters.apply(AgentRecord.objects.order_by()).values_list("generation")
    try:
        sql, parameters = agents.query.sql_with_params()
    except EmptyResultSet:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {table(AgentRecord)} AS ({dialect.rows_of_json(AgentRecord)}) {sql}",
            [json.dumps(rows), *parameters],
        )
        return {key for (key,) in cursor.fetchall()}
