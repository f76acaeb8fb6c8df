"""The only writer of agents: every door (API, task, command, admin) leads here.

A lease belongs to one registration, its generation. Each change and the event that tells of it
are committed together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

from agents import metrics
from agents.actors import AGENT, REGISTRY, SWEEP
from agents.clock import DatabaseNow, ended_sql, now_sql
from agents.enrolment import ANYBODY, Enrolment, IdHeldByAnother
from agents.mass_expiry import judge, purgeable_sql
from agents.models import DEFAULT_TTL_SECONDS, AgentEvent, AgentRecord
from agents.sql import table
from agents.sweeps import leave_mark
from agents.uptime import begin_uptime

DEFAULT_BATCH_SIZE = 1000

Kind = AgentEvent.Kind
State = AgentRecord.State
STATE_EVENTS = {
    State.ACTIVE: Kind.RESUMED,
    State.DRAINING: Kind.DRAINED,
    State.QUARANTINED: Kind.QUARANTINED,
}


class UnknownAgent(Exception):
    """There is no such agent, or not any more: it has to register (again)."""


class StaleLease(Exception):
    """The lease is of an older generation: another registration holds the id."""


@dataclass(frozen=True)
class Registration:
    agent: AgentRecord
    created: bool


@dataclass(frozen=True)
class Purge:
    """What a sweep did: how many it purged, and how many it left, since too many expired at once.

    `turn` and `reason` tell of a hold that it began or ended, or that it was forced.
    """

    purged: int
    held: int = 0
    turn: AgentEvent.Kind | None = None
    reason: str = ""


def register(
    *,
    agent_id: str,
    host: str,
    port: int,
    agent_name: str = "",
    ttl_seconds: int = DEFAULT_TTL_SECONDS,
    metadata: Mapping[str, Any] | None = None,
    version: str = "",
    tags: Sequence[str] = (),
    skills: Sequence[str] = (),
    status: str = AgentRecord.Status.UNKNOWN,
    address: str | None = None,
    enrolment: Enrolment = ANYBODY,
) -> Registration:
    """Record an agent, and start a new generation of its lease.

    What the agent said in an earlier registration is replaced as a whole; what the operator said
    stays. `metadata`, `tags` and `skills` have been validated. `address` is where the call came
    from. Raise IdHeldByAnother or TooManyAgents, by the rules of `enrolment`.
    """
    said = {
        "agent_name": agent_name or agent_id,
        "host": host,
        "port": port,
        "ttl_seconds": ttl_seconds,
        "metadata": dict(metadata or {}),
        "version": version,
        "tags": list(tags),
        "skills": list(skills),
        "status": status,
        "load": None,
        "note": "",
        "seen_address": address,
        "last_heartbeat": DatabaseNow(),
        "enrolled_by": enrolment.token,
    }
    registration = None
    try:
        while registration is None:
            registration = _try_to_register(agent_id, said, address, enrolment)
    except IdHeldByAnother as error:
        _refuse_once(agent_id, actor=enrolment.actor, reason=str(error), address=address)
        raise
    metrics.count_registration(created=registration.created)
    return registration


def renew(
    *,
    agent_id: str,
    generation: int | None = None,
    status: str | None = None,
    load: float | None = None,
    note: str | None = None,
    address: str | None = None,
) -> AgentRecord:
    """Renew a lease, until its TTL from now; return the agent.

    An expired lease is renewed as well, as long as its record has not been purged. None for what
    the agent says of itself leaves that as it is. `generation` None: the agent has shown no lease
    token, and is taken at its word. Raise UnknownAgent or StaleLease.
    """
    said = {"status": status, "load": load, "note": note, "seen_address": address}
    said = {column: value for column, value in said.items() if value is not None}
    changes = ", ".join([f"last_heartbeat = {now_sql(connection)}", *(f"{c} = %s" for c in said)])
    condition, key = _lease_condition(agent_id, generation)
    renewed = list(
        AgentRecord.objects.raw(
            f"UPDATE {table(AgentRecord)} SET {changes} WHERE {condition} RETURNING *",  # noqa: S608
            [*said.values(), *key],
        )
    )
    if not renewed:
        _explain_miss(agent_id, generation, address)
    metrics.HEARTBEATS.inc()
    return renewed[0]


def deregister(
    *,
    agent_id: str,
    generation: int | None = None,
    actor: str = AGENT,
    reason: str = "",
    address: str | None = None,
) -> None:
    """Delete the record of an agent. Raise UnknownAgent or StaleLease, as `renew` does."""
    condition, key = _lease_condition(agent_id, generation)
    with transaction.atomic():
        gone = _delete(condition, key)
        for agent in gone:
            details = {"actor": actor, "reason": reason, "address": address}
            _event(agent_id, Kind.DEREGISTERED, agent.generation, **details).save()
    if not gone:
        _explain_miss(agent_id, generation, address)
    metrics.DEREGISTRATIONS.inc()


def purge_expired(
    *, batch_size: int = DEFAULT_BATCH_SIZE, actor: str = SWEEP, force: bool = False
) -> Purge:
    """Delete the agents whose lease has ended, unless the fault is probably not theirs.

    What they missed while the registry itself was away does not count (`agents.uptime`), and when
    too many of them expire at once they are held for a while (`agents.mass_expiry`); `force` goes
    past both. At most `batch_size` rows to a transaction, so that heartbeats get their turn in
    between. Rows that a heartbeat has locked at this moment are left, since it is about to renew
    them.
    """
    judgement = judge()
    if judgement.is_recovering and not force:
        # Not all come back at once: each gets a whole TTL from now on.
        begin_uptime()
        judgement = judge()
    holds = judgement.holds and not force
    condition = ended_sql(connection) if force else purgeable_sql(holds=holds)
    purged = 0
    count = batch_size if force or judgement.purgeable else 0
    while count == batch_size:
        count = len(_purge_batch(batch_size, actor, condition))
        purged += count
    held = judgement.expired if holds else 0
    reason = judgement.explain(purged=purged, force=force)
    turn = leave_mark(purged=purged, held=held, actor=actor, reason=reason, forced=force)
    return Purge(purged, held, turn, reason)


def purge(*, agent_id: str, actor: str) -> bool:
    """Delete one agent if its lease has ended; return whether it was so."""
    with transaction.atomic():
        gone = _delete(f"agent_id = %s AND {ended_sql(connection)}", [agent_id])
        _record_purge(gone, actor)
    return bool(gone)


def set_state(*, agent_id: str, state: str, actor: str, reason: str = "") -> bool:
    """Put an agent into the operator's `state`; return whether it was in another before.

    Raise UnknownAgent.
    """
    with transaction.atomic():
        agent = AgentRecord.objects.select_for_update().filter(pk=agent_id).first()
        if agent is None:
            raise UnknownAgent(agent_id)
        if agent.state == state:
            return False
        AgentRecord.objects.filter(pk=agent_id).update(state=state)
        kind = STATE_EVENTS[State(state)]
        _event(agent_id, kind, agent.generation, actor=actor, reason=reason).save()
    return True


def trim_history(*, days: int, batch_size: int = DEFAULT_BATCH_SIZE) -> int:
    """Delete the events that are older than `days`; return how many."""
    trimmed = 0
    while True:
        old = AgentEvent.objects.filter(at__lt=DatabaseNow() - timedelta(days=days))
        batch = list(old.values_list("pk", flat=True)[:batch_size])
        count, _ = AgentEvent.objects.filter(pk__in=batch).delete()
        trimmed += count
        if count < batch_size:
            return trimmed


def _try_to_register(
    agent_id: str, said: dict[str, Any], address: str | None, enrolment: Enrolment
) -> Registration | None:
    """Return None when another registration of the same new id has won: ours never was, then."""
    with transaction.atomic():
        locked = AgentRecord.objects.select_for_update().with_read_at()
        known = locked.filter(pk=agent_id).first()
        enrolment.check(agent_id, known)
        kind = Kind.RE_REGISTERED if known else Kind.REGISTERED
        event = _event(agent_id, kind, actor=enrolment.actor, address=address)
        event.save(force_insert=True)
        # Events are numbered in the order in which they take the agent's row, and numbers do not
        # come again: as a generation, that outlives the row.
        said = said | {"generation": event.pk}
        AgentEvent.objects.filter(pk=event.pk).update(generation=event.pk)
        if known:
            AgentRecord.objects.filter(pk=agent_id).update(**said)
        elif not _insert(AgentRecord(agent_id=agent_id, registered_at=DatabaseNow(), **said)):
            transaction.set_rollback(True)
            return None
        return Registration(AgentRecord.objects.with_read_at().get(pk=agent_id), created=not known)


def _insert(agent: AgentRecord) -> bool:
    """Return whether the id was free. PostgreSQL waits here for whoever has just taken it."""
    try:
        with transaction.atomic():
            agent.save(force_insert=True)
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            return False
        raise
    return True


def _purge_batch(batch_size: int, actor: str, condition: str) -> list[AgentRecord]:
    # The choice is made once, as an array; and the condition stands in the DELETE again: an agent
    # that renews between the choosing and the deleting survives.
    if connection.vendor == "sqlite":
        chosen = f"IN (SELECT agent_id FROM {table(AgentRecord)} WHERE {condition} LIMIT %s)"  # noqa: S608
    else:
        chosen = (
            f"= ANY (ARRAY(SELECT agent_id FROM {table(AgentRecord)} WHERE {condition}"  # noqa: S608
            " LIMIT %s FOR UPDATE SKIP LOCKED))"
        )
    with transaction.atomic():
        gone = _delete(f"agent_id {chosen} AND {condition}", [batch_size])
        _record_purge(gone, actor)
    return gone


def _record_purge(gone: Sequence[AgentRecord], actor: str) -> None:
    events = []
    for agent in gone:
        key = (agent.agent_id, Kind.EXPIRED, agent.generation)
        reason = f"no heartbeat for {agent.ttl_seconds} s"
        events.append(_event(*key, at=agent.expires_at, actor=REGISTRY, reason=reason))
        events.append(_event(agent.agent_id, Kind.PURGED, agent.generation, actor=actor))
    AgentEvent.objects.bulk_create(events, batch_size=500)


def _delete(condition: str, parameters: Sequence[Any]) -> list[AgentRecord]:
    """Delete the records of which `condition` holds, by one statement; return their leases."""
    columns = "agent_id, generation, last_heartbeat, ttl_seconds"
    sql = f"DELETE FROM {table(AgentRecord)} WHERE {condition} RETURNING {columns}"  # noqa: S608 - all ours
    return list(AgentRecord.objects.raw(sql, parameters))


def _lease_condition(agent_id: str, generation: int | None) -> tuple[str, list[Any]]:
    if generation is None:
        return "agent_id = %s", [agent_id]
    return "agent_id = %s AND generation = %s", [agent_id, generation]


def _explain_miss(agent_id: str, generation: int | None, address: str | None) -> NoReturn:
    """Raise what a renewal or a deletion that found no row means."""
    held = AgentRecord.objects.filter(pk=agent_id).values_list("generation", flat=True).first()
    if held is None or generation is None or held < generation:
        # A newer lease than the record's: the registry was set back, and has to be told again.
        raise UnknownAgent(agent_id)
    reason = f"the lease is held by generation {held}"
    _refuse_once(agent_id, generation, actor=AGENT, reason=reason, address=address)
    raise StaleLease(agent_id)


def _refuse_once(
    agent_id: str, generation: int | None = None, *, actor: str, reason: str, address: str | None
) -> None:
    """Tell the history of a refusal, unless it has been told: whoever is refused tries again."""
    refused = _event(agent_id, Kind.REFUSED, generation, actor=actor, reason=reason)
    same: dict[str, Any] = {"kind": refused.kind, "generation": generation, "actor": actor}
    if generation is None:  # a registration that was refused: told once for each lease in its way
        same["reason"] = reason
    if not AgentEvent.objects.filter(agent_id=agent_id, **same).exists():
        refused.address = address
        refused.save()


def _event(
    agent_id: str, kind: AgentEvent.Kind, generation: int | None = None, **details: Any
) -> AgentEvent:
    details.setdefault("at", DatabaseNow())
    return AgentEvent(agent_id=agent_id, kind=kind, generation=generation, **details)
