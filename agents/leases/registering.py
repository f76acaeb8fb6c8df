"""Registrations: each starts a new generation of an agent's lease."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from agents import metrics
from agents.clock import DatabaseNow
from agents.enrolment import ANYBODY, Enrolment, IdHeldByAnother
from agents.leases.history import Kind, event, tell_refused_registration
from agents.models import DEFAULT_TTL_SECONDS, AgentEvent, AgentRecord


@dataclass(frozen=True)
class Registration:
    agent: AgentRecord
    created: bool


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
        tell_refused_registration(
            agent_id, actor=enrolment.actor, reason=str(error), address=address
        )
        raise
    metrics.count_registration(created=registration.created)
    return registration


def _try_to_register(
    agent_id: str, said: dict[str, Any], address: str | None, enrolment: Enrolment
) -> Registration | None:
    """Return None when another registration of the same new id has won: ours never was, then."""
    with transaction.atomic():
        locked = AgentRecord.objects.select_for_update().with_read_at()
        known = locked.filter(pk=agent_id).first()
        enrolment.check(agent_id, known)
        kind = Kind.RE_REGISTERED if known else Kind.REGISTERED
        registered = event(agent_id, kind, actor=enrolment.actor, address=address)
        registered.save(force_insert=True)
        # Events are numbered in the order in which they take the agent's row, and numbers do not
        # come again: as a generation, that outlives the row.
        said = said | {"generation": registered.pk}
        AgentEvent.objects.filter(pk=registered.pk).update(generation=registered.pk)
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
