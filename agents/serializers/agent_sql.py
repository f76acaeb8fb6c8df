"""AgentSerializer's JSON made by the database, at a tenth of the cost.

Spaces and the spelling of numbers in the metadata differ.
"""

from functools import lru_cache
from typing import Any

from django.db import connection, models

from agents.database.dialect import dialect
from agents.database.tables import table
from agents.models import AgentRecord
from agents.models.probe import verdict_sql
from agents.serializers.agent import FIELDS

Names = tuple[str, ...]

ALL: Names = tuple(FIELDS)
RECORD = table(AgentRecord)
# Callers choose the fields, so there are many combinations.
CACHE_SIZE = 64
COMPUTED: dict[str, models.Field[Any, Any]] = {
    "is_alive": models.BooleanField(),
    "expires_at": models.DateTimeField(),
    "probe": models.CharField(),
}


def columns(names: Names = ALL) -> str:
    """Return SQL for the values of these FIELDS. Like all SQL here, its ``%`` are escaped."""
    return _columns(names, verdict_sql(f"{RECORD}.agent_id", f"{RECORD}.generation"))


@lru_cache(CACHE_SIZE)
def _columns(names: Names, verdict: str) -> str:
    expires_at = dialect.expires_at(f"{RECORD}.last_heartbeat", f"{RECORD}.ttl_seconds")
    computed = {
        "is_alive": f"{expires_at} > {dialect.now()}",
        "expires_at": expires_at,
        "probe": verdict,
    }
    return ", ".join(computed.get(name, f"{RECORD}.{_quoted(name)}") for name in names)


@lru_cache(CACHE_SIZE)
def agent_as_json(names: Names = ALL) -> str:
    """Return SQL for the JSON of an agent, from columns named like FIELDS."""
    # One call with many arguments is cheapest.
    template = ",".join(f'"{name}":%%s' for name in names)
    values = [dialect.field_as_json(field_of(name), _quoted(name)) for name in names]
    return dialect.format_text(f"{{{template}}}", values)


def field_of(name: str) -> models.Field[Any, Any]:
    if name in COMPUTED:
        return COMPUTED[name]
    field: models.Field[Any, Any] = AgentRecord._meta.get_field(name)  # type: ignore[assignment]
    return field


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
