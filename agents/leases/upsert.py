import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import JSONField

from agents.database.clock import from_microseconds
from agents.database.dialect import dialect
from agents.database.statements import LoggedUpsert
from agents.database.tables import table
from agents.history.record import registration_sql
from agents.leases.application import Application
from agents.leases.entries import GIVEN, entries_sql, entry_values
from agents.leases.id_rule import is_free_sql
from agents.models import AgentEvent, AgentRecord
from agents.states import State

OURS = ("last_heartbeat", "registered_at", "generation", "state", "recorded_expiry")
FIELDS = AgentRecord._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
SENT = [field for field in FIELDS if field.attname not in OURS]
# The database keeps or normalises these.
KEPT = ("generation", "state", "metadata", "seen_address")


@dataclass(frozen=True)
class Registration:
    agent: AgentRecord
    created: bool


def take(applications: Sequence[Application], *, waits: bool) -> dict[str, Registration]:
    """Register agents with different ids. Return by id those whose ids were free.

    Without `waits`, skip locked records. The generation is the event's id, so it is never granted
    again.
    """
    written = {}
    for takes_over in {one.enrolment.takes_over for one in applications}:
        same = [one for one in applications if one.enrolment.takes_over == takes_over]
        columns = {one.agent_id: one.columns() for one in same}
        rows = [_row(columns[one.agent_id], one) for one in same]
        for row in dialect.upsert(_registrations(takes_over=takes_over), rows, waits=waits):
            written[row["agent_id"]] = _registration(columns[row["agent_id"]], row)
    return written


def _row(columns: Mapping[str, Any], application: Application) -> list[Any]:
    values = [
        json.dumps(columns[field.attname])
        if isinstance(field, JSONField)
        else columns[field.attname]
        for field in SENT
    ]
    return [*values, application.enrolment.actor, *entry_values(columns, application.card)]


def _registration(columns: Mapping[str, Any], row: Mapping[str, Any]) -> Registration:
    kept = {**columns, **{name: row[name] for name in KEPT}}
    kept["metadata"] = json.loads(row["metadata"])
    kept["last_heartbeat"] = from_microseconds(row["heartbeat_microseconds"])
    kept["recorded_expiry"] = None
    kept["registered_at"] = from_microseconds(row["registered_microseconds"])
    agent = AgentRecord.from_db(connection.alias, NAMES, [kept[name] for name in NAMES])
    setattr(agent, "read_at", agent.last_heartbeat)  # noqa: B010 - mypy knows no annotations
    return Registration(agent, created=row["created"])


@cache
def _registrations(*, takes_over: bool) -> LoggedUpsert:
    names = [str(field.column) for field in SENT]
    now, agents = dialect.now(), table(AgentRecord)
    return LoggedUpsert(
        table=agents,
        key="agent_id",
        given={
            **{str(field.column): str(field.db_type(connection)) for field in SENT},
            "actor": "text",
            **{name: str(field.db_type(connection)) for name, field in GIVEN.items()},
        },
        values={
            **{name: f"given.{name}" for name in names},
            "state": f"'{State.ACTIVE}'",
            "last_heartbeat": now,
            "registered_at": now,
            "generation": dialect.next_id(AgentEvent),
        },
        # The row is locked by now, so generations ascend in the order of locks.
        changes={
            **{name: f"EXCLUDED.{name}" for name in names},
            "last_heartbeat": dialect.now_after_waiting(),
            "recorded_expiry": "NULL",
            "generation": dialect.next_id_after_waiting(AgentEvent, "generation"),
        },
        condition="TRUE" if takes_over else is_free_sql("held", "EXCLUDED.enrolled_by"),
        returning={
            **{name: name for name in ("agent_id", "last_heartbeat", *KEPT)},
            "heartbeat_microseconds": dialect.microseconds("last_heartbeat"),
            "registered_microseconds": dialect.microseconds("registered_at"),
        },
        logs=[registration_sql("written"), entries_sql("written")],
        logged=["actor", *GIVEN],
    )
