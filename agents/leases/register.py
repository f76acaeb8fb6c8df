"""Registers agents, each time with a new generation of the lease."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from agents.history.record import record_refused_registration
from agents.leases.id_rule import check_holder, check_number
from agents.leases.upsert import Registration, Wanted, take
from agents.metrics import counters
from agents.models import DEFAULT_TTL_SECONDS
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
    """Replace all that the agent has sent before, and keep the operator's state.

    `address` is where the call came from. Raise IdHeldByAnother or TooManyAgents.
    """
    columns = {
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
            registration = _try_to_register(columns, enrolment)
    except IdHeldByAnother as error:
        record_refused_registration(
            agent_id, actor=enrolment.actor, reason=str(error), address=address
        )
        raise
    counters.count_registration(created=registration.created)
    return registration


def _try_to_register(columns: Mapping[str, Any], enrolment: Enrolment) -> Registration | None:
    """Return None if the id was taken, but is free now."""
    agent_id, wanted = columns["agent_id"], [Wanted(columns, enrolment)]
    if enrolment.max_agents is None:
        registered = take(wanted, waits=True)
    else:
        with transaction.atomic():
            check_number(agent_id, enrolment, enrolment.max_agents)
            registered = take(wanted, waits=True)
    if not registered:
        check_holder(agent_id, enrolment)
    return registered.get(agent_id)
