"""Writes a registration and its event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection

from agents.database.clock import from_microseconds
from agents.database.dialect import dialect
from agents.database.statements import LoggedUpsert
from agents.database.tables import table
from agents.history.record import registration_sql
from agents.leases.id_rule import is_free_sql
from agents.models import AgentEvent, AgentRecord
from agents.states import State
from agents.tokens.enrollment import Enrolment

# Set by the registry.
OURS = ("last_heartbeat", "registered_at", "generation", "state")
FIELDS = AgentRecord._meta.concrete_fields
NAMES = [field.attname for field in FIELDS]
SENT = [field for field in FIELDS if field.attname not in OURS]
# The database may have kept or normalised these.
KEPT = ("generation", "state", "metadata", "seen_address")


@dataclass(frozen=True)
class Registration:
    agent: AgentRecord
    created: bool


def take(columns: Mapping[str, Any], enrolment: Enrolment) -> Registration | None:
    """Write `columns`, all but `OURS`; return None if the id is not free.

    The generation is the id of the event, and so never granted again.
    """
    values = [f.get_db_prep_save(columns[f.attname], connection) for f in SENT]
    row = dialect.upsert(
        _registration(takes_over=enrolment.takes_over),
        columns["agent_id"],
        [*values, State.ACTIVE, *([] if enrolment.takes_over else [enrolment.token])],
        [enrolment.actor],
    )
    if row is None:
        return None
    kept = {**columns, **{name: row[name] for name in KEPT}}
    kept["metadata"] = json.loads(row["metadata"])
    kept["last_heartbeat"] = from_microseconds(row["heartbeat_microseconds"])
    kept["registered_at"] = from_microseconds(row["registered_microseconds"])
    agent = AgentRecord.from_db(connection.alias, NAMES, [kept[name] for name in NAMES])
    setattr(agent, "read_at", agent.last_heartbeat)  # noqa: B010 - mypy knows no annotations
    return Registration(agent, created=row["created"])


@cache
def _registration(*, takes_over: bool) -> LoggedUpsert:
    """Parameters: the values of SENT, the state, the token unless `takes_over`."""
    names = [connection.ops.quote_name(str(field.column)) for field in SENT]
    now, generation = dialect.now(), dialect.next_id(AgentEvent)
    # Evaluated after the row is locked, so generations ascend in the order of the locks.
    replaced = {name: f"EXCLUDED.{name}" for name in names}
    replaced |= {"last_heartbeat": dialect.now_after_waiting(), "generation": generation}
    changes = ", ".join(f"{name} = {value}" for name, value in replaced.items())
    is_free = "" if takes_over else f" WHERE {is_free_sql('held')}"
    agents = table(AgentRecord)
    return LoggedUpsert(
        table=agents,
        key="agent_id",
        upsert=(
            f"INSERT INTO {agents} AS held"  # noqa: S608
            f" ({', '.join(names)}, state, last_heartbeat, registered_at, generation)"
            f" VALUES ({', '.join(['%s'] * len(names))}, %s, {now}, {now}, {generation})"
            f" ON CONFLICT (agent_id) DO UPDATE SET {changes}{is_free}"
        ),
        returning={
            **{name: name for name in ("agent_id", "last_heartbeat", *KEPT)},
            "heartbeat_microseconds": dialect.microseconds("last_heartbeat"),
            "registered_microseconds": dialect.microseconds("registered_at"),
        },
        log=registration_sql("written"),
    )
