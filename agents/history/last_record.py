from agents.database.dialect import dialect
from agents.models import AgentRecord

LAST_FIELDS = (
    "agent_name",
    "host",
    "port",
    "version",
    "tags",
    "skills",
    "metadata",
    "state",
    "status",
    "load",
    "note",
    "seen_address",
    "ttl_seconds",
    "last_heartbeat",
    "registered_at",
)


def last_record_sql() -> str:
    """Return SQL for the JSON of LAST_FIELDS, with ``%`` escaped."""
    values = [
        dialect.field_as_json(AgentRecord._meta.get_field(name), name)  # type: ignore[arg-type]
        for name in LAST_FIELDS
    ]
    template = ",".join(f'"{name}":%%s' for name in LAST_FIELDS)
    return dialect.text_as_json(dialect.format_text(f"{{{template}}}", values))
