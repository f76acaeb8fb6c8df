"""Agents as JSON made by the database: what AgentSerializer gives, at a tenth of its cost.

Each field of that serializer becomes an SQL expression, by the kind of its column. The JSON is the
same except for spaces, and for how numbers in the metadata are written.
"""

from functools import cache
from typing import Any

from django.db import connection, models

from agents.database.clock import expires_at_sql, now_sql
from agents.database.tables import table
from agents.models import AgentRecord
from agents.serializers.agent import FIELDS

# Fields that have no column.
COMPUTED: dict[str, models.Field[Any, Any]] = {
    "is_alive": models.BooleanField(),
    "expires_at": models.DateTimeField(),
}

# {0} is the column. Text always goes through the database's own quoting function; JSON columns hold
# JSON that can be passed on. A load of 0 or 1 is written with a point, as in Python.
POSTGRESQL = {
    models.CharField: "TO_JSON({0})",
    # An interval for UTC: PostgreSQL would look a time zone's name up for each value.
    models.DateTimeField: (
        """'"' || REPLACE(TO_CHAR({0} AT TIME ZONE INTERVAL '0', """
        """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z') || '"'"""
    ),
    models.BooleanField: "CASE WHEN {0} THEN 'true' ELSE 'false' END",
    models.PositiveIntegerField: "{0}",
    models.BigIntegerField: "{0}",
    models.FloatField: (
        "COALESCE(CASE WHEN {0} IN (0, 1) THEN {0} || '.0' ELSE {0}::text END, 'null')"
    ),
    models.JSONField: "{0}",
    models.GenericIPAddressField: """COALESCE('"' || HOST({0}) || '"', 'null')""",
}
SQLITE = {
    models.CharField: "JSON_QUOTE({0})",
    models.DateTimeField: (
        """'"' || REPLACE(REPLACE({0}, ' ', 'T') || 'Z', '.000000Z', 'Z') || '"'"""
    ),
    models.BooleanField: "CASE WHEN {0} THEN 'true' ELSE 'false' END",
    models.PositiveIntegerField: "{0}",
    models.BigIntegerField: "{0}",
    # SQLite writes 15 digits by default; it takes 17 to tell any two numbers apart.
    models.FloatField: "CASE WHEN {0} IS NULL THEN 'null' ELSE PRINTF('%%!.17g', {0}) END",
    models.JSONField: "{0}",
    models.GenericIPAddressField: "JSON_QUOTE({0})",
}


@cache
def columns() -> str:
    """Return SQL for the values of FIELDS, in their order, computed ones included.

    Like all SQL from here, it is to be executed with parameters: it has doubled percent signs.
    """
    record = table(AgentRecord)
    expires_at = expires_at_sql(connection, f"{record}.last_heartbeat", f"{record}.ttl_seconds")
    computed = {"is_alive": f"{expires_at} > {now_sql(connection)}", "expires_at": expires_at}
    return ", ".join(computed.get(name, f"{record}.{_quoted(name)}") for name in FIELDS)


@cache
def agent_as_json() -> str:
    """Return SQL for the JSON of an agent, from columns with the names of its fields."""
    # One call with many arguments, all converted to text by it, is the cheapest.
    function = "PRINTF" if connection.vendor == "sqlite" else "FORMAT"
    template = ",".join(f'"{name}":%%s' for name in FIELDS)
    return f"{function}('{{{template}}}', {', '.join(as_json(name) for name in FIELDS)})"


def as_json(name: str) -> str:
    """Return SQL for the JSON of one field."""
    kinds = SQLITE if connection.vendor == "sqlite" else POSTGRESQL
    field = COMPUTED.get(name) or AgentRecord._meta.get_field(name)  # noqa: SLF001 - documented
    return kinds[type(field)].format(_quoted(name))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
