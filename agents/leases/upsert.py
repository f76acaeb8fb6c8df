"""The statements by which a registration takes an id, and tells the history; both or neither."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction

from agents.database.clock import POSTGRESQL_NOW_AFTER_WAITING, ended_sql, now_sql
from agents.database.tables import table
from agents.history.numbers import next_number_sql
from agents.history.record import Kind, registration_sql
from agents.models import AgentRecord
from agents.states import State
from agents.tokens.enrollment import Enrolment

# What the registration says, as a whole, and what is the registry's; the operator's word stays.
OURS = ("last_heartbeat", "registered_at", "generation", "state")
FIELDS = AgentRecord._meta.concrete_fields  # noqa: SLF001 - Django documents it
NAMES = [field.attname for field in FIELDS]
SAID = [field for field in FIELDS if field.attname not in OURS]
# As the database has it now: what it has kept, or brought into a form of its own.
KEPT = (*OURS, "metadata", "seen_address")


@dataclass(frozen=True)
class Registration:
    agent: AgentRecord
    created: bool


def take(said: Mapping[str, Any], enrolment: Enrolment) -> Registration | None:
    """Give a lease of a new generation to the agent of which `said` has all that is not `OURS`.

    Return None, with nothing written, when the id is not free by the rules of `enrolment`. The
    agent has `read_at`.

    Events are numbered in the order in which they take the agent's row, and numbers do not come
    again: as a generation, the number of the event outlives the row.
    """
    values = {f.attname: f.get_db_prep_save(said[f.attname], connection) for f in SAID}
    ask = _ask_sqlite if connection.vendor == "sqlite" else _ask_postgresql
    row = ask(values, enrolment)
    if row is None:
        return None
    created, *found = row
    kept = {**said, **dict(zip(KEPT, found, strict=True))}
    kept["metadata"] = json.loads(kept["metadata"])
    agent = AgentRecord.from_db(connection.alias, NAMES, [kept[name] for name in NAMES])
    setattr(agent, "read_at", agent.last_heartbeat)  # noqa: B010 - mypy knows no annotations
    return Registration(agent, created=created)


def _ask_postgresql(values: Mapping[str, Any], enrolment: Enrolment) -> Sequence[Any] | None:
    """Do all by one statement: one wait for the server, and no lock for longer than it takes."""
    with connection.cursor() as cursor:
        cursor.execute(
            _postgresql(takes_over=enrolment.takes_over),
            [
                *values.values(),
                State.ACTIVE,
                *([] if enrolment.takes_over else [enrolment.token]),
                enrolment.actor,
            ],
        )
        row: Sequence[Any] | None = cursor.fetchone()
    return row


@cache
def _postgresql(*, takes_over: bool) -> str:
    # What stands in DO UPDATE is evaluated when the row has been locked; so generations come in
    # the order of the locks, and the lease lasts from then. A row that was updated is known by
    # its xmax: it has been locked by this transaction.
    number = next_number_sql()
    event = registration_sql(
        number="generation",
        agent_id="agent_id",
        created="created",
        at="last_heartbeat",
        address="seen_address",
        source="FROM registered",
    )
    free = "" if takes_over else f" WHERE {_is_free('held')}"
    now = now_sql(connection)
    return (
        f"WITH registered AS (INSERT INTO {table(AgentRecord)} AS held"  # noqa: S608 - all ours
        f" ({_said()}, state, last_heartbeat, registered_at, generation)"
        f" VALUES ({_places()}, %s, {now}, {now}, {number})"
        f" ON CONFLICT (agent_id) DO UPDATE SET {_replaced()},"
        f" last_heartbeat = {POSTGRESQL_NOW_AFTER_WAITING}, generation = {number}{free}"
        f" RETURNING agent_id, xmax = 0 AS created, {', '.join(KEPT)}),"
        f" recorded AS ({event})"
        f" SELECT created, {', '.join(KEPT)} FROM registered"
    )


def _ask_sqlite(values: Mapping[str, Any], enrolment: Enrolment) -> Sequence[Any] | None:
    """Ask in a transaction that lets in no other writer."""
    agent_id, address = values["agent_id"], values["seen_address"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _sqlite_event(takes_over=enrolment.takes_over),
            [
                *(agent_id, agent_id, enrolment.actor, address),
                *([] if enrolment.takes_over else [agent_id, enrolment.token]),
            ],
        )
        event = cursor.fetchone()
        if event is None:
            return None
        number, kind = event
        cursor.execute(_sqlite_record(), [*values.values(), State.ACTIVE, number])
        heartbeat, registered_at, *rest = cursor.fetchone()
    return kind == Kind.REGISTERED, _time(heartbeat), _time(registered_at), *rest


@cache
def _sqlite_event(*, takes_over: bool) -> str:
    record = f"SELECT 1 FROM {table(AgentRecord)} AS held WHERE agent_id = %s"  # noqa: S608
    free = "" if takes_over else f"WHERE NOT EXISTS ({record} AND NOT {_is_free('held')})"
    event = registration_sql(
        number=next_number_sql(),
        agent_id="%s",
        created=f"NOT EXISTS ({record})",
        at=now_sql(connection),
        address="%s",
        source=free,
    )
    return f"{event} RETURNING id, kind"


@cache
def _sqlite_record() -> str:
    now = now_sql(connection)
    return (
        f"INSERT INTO {table(AgentRecord)}"  # noqa: S608
        f" ({_said()}, state, last_heartbeat, registered_at, generation)"
        f" VALUES ({_places()}, %s, {now}, {now}, %s) ON CONFLICT (agent_id) DO UPDATE SET"
        f" {_replaced()}, last_heartbeat = EXCLUDED.last_heartbeat,"
        f" generation = EXCLUDED.generation RETURNING {', '.join(KEPT)}"
    )


def _is_free(held: str) -> str:
    """Return SQL for whether a token, its parameter, may have the id of the record `held`."""
    ended = ended_sql(connection, f"{held}.last_heartbeat", f"{held}.ttl_seconds")
    return f"({held}.enrolled_by = %s OR {ended})"


def _said() -> str:
    return ", ".join(_columns())


def _places() -> str:
    return ", ".join(["%s"] * len(SAID))


def _replaced() -> str:
    return ", ".join(f"{column} = EXCLUDED.{column}" for column in _columns())


def _columns() -> list[str]:
    return [connection.ops.quote_name(str(field.column)) for field in SAID]


def _time(value: Any) -> Any:
    return connection.ops.convert_datetimefield_value(value, None, connection)  # type: ignore[attr-defined]  # of SQLite
