"""Registrations: each starts a new generation of an agent's lease."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from agents.history.record import record_refused_registration
from agents.leases.upsert import Registration, take
from agents.metrics import counters
from agents.models import DEFAULT_TTL_SECONDS, AgentRecord
from agents.states import Status
from agents.tokens.enrollment import ANYBODY, Enrolment, IdHeldByAnother


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
    status: str = Status.UNKNOWN,
    address: str | None = None,
    enrolment: Enrolment = ANYBODY,
) -> Registration:
    """Record an agent, and start a new generation of its lease.

    What the agent said in an earlier registration is replaced as a whole; what the operator said
    stays. `metadata`, `tags` and `skills` have been validated. `address` is where the call came
    from. Raise IdHeldByAnother or TooManyAgents, by the rules of `enrolment`.
    """
    said = {
        "agent_id": agent_id,
        "agent_name": agent_name or agent_id,
        "host": host,
        "port": port,
        "ttl_seconds": ttl_seconds,
        "metadata": dict(metadata or {}),
        "version": version,
        "tags": list(tags),
        "skills": list(skills),
        "status": str(status),
        "load": None,
        "note": "",
        "seen_address": address,
        "enrolled_by": enrolment.token,
    }
    registration = None
    try:
        while registration is None:
            registration = _try_to_register(said, enrolment)
    except IdHeldByAnother as error:
        record_refused_registration(
            agent_id, actor=enrolment.actor, reason=str(error), address=address
        )
        raise
    counters.count_registration(created=registration.created)
    return registration


def _try_to_register(said: Mapping[str, Any], enrolment: Enrolment) -> Registration | None:
    """Return None when the id was another's, and is not any more."""
    agent_id = said["agent_id"]
    if enrolment.max_agents is None:
        registration = take(said, enrolment)
    else:
        with transaction.atomic():
            locked = AgentRecord.objects.select_for_update().with_read_at()
            enrolment.check_number(agent_id, locked.filter(pk=agent_id).first())
            registration = take(said, enrolment)
    if registration is None:
        enrolment.check_holder(AgentRecord.objects.with_read_at().filter(pk=agent_id).first())
    return registration
