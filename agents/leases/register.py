from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from agents.history.record import record_refused_registration
from agents.leases.cards import save_cards
from agents.leases.id_rule import check_holder, check_number
from agents.leases.upsert import Registration, Wanted, take
from agents.metrics import counters
from agents.models import DEFAULT_TTL_SECONDS
from agents.states import Status
from agents.tokens.enrollment import ANYBODY, Enrolment, IdHeldByAnother


class Application(NamedTuple):
    """A registration without the limit of a token. `fields`: those of `register`."""

    fields: Mapping[str, Any]
    address: str | None
    enrolment: Enrolment


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
    agent_card: Mapping[str, Any] | None = None,
    address: str | None = None,
    enrolment: Enrolment = ANYBODY,
) -> Registration:
    """Replace all that the agent has sent before, and keep the operator's state.

    `address`: where the call came from. Raise IdHeldByAnother or TooManyAgents.
    """
    columns = _columns(
        {
            "agent_id": agent_id,
            "host": host,
            "port": port,
            "agent_name": agent_name,
            "ttl_seconds": ttl_seconds,
            "metadata": metadata,
            "version": version,
            "tags": tags,
            "skills": skills,
            "status": status,
        },
        address,
        enrolment,
    )
    registration = None
    try:
        while registration is None:
            registration = _try_to_register(columns, enrolment, agent_card)
    except IdHeldByAnother as error:
        record_refused_registration(
            agent_id, actor=enrolment.actor, reason=str(error), address=address
        )
        raise
    counters.count_registration(created=registration.created)
    return registration


def register_many(applications: Sequence[Application]) -> dict[str, Registration]:
    """Register agents of different ids by one commit. Return by id those that could be.

    Others' ids and locked records are left out.
    """
    wanted = [Wanted(_columns(*one), one.enrolment) for one in applications]
    cards = {
        one.fields["agent_id"]: card
        for one in applications
        if (card := one.fields.get("agent_card")) is not None
    }
    registered = _take(wanted, cards, waits=False)
    for registration in registered.values():
        counters.count_registration(created=registration.created)
    return registered


def _columns(
    fields: Mapping[str, Any], address: str | None, enrolment: Enrolment
) -> dict[str, Any]:
    """What the agent does not give is reset."""
    return {
        "agent_id": fields["agent_id"],
        "agent_name": fields.get("agent_name") or fields["agent_id"],
        "host": fields["host"],
        "port": fields["port"],
        "ttl_seconds": fields["ttl_seconds"],
        "metadata": dict(fields.get("metadata") or {}),
        "version": fields.get("version", ""),
        "tags": list(fields.get("tags", ())),
        "skills": list(fields.get("skills", ())),
        "status": str(fields.get("status", Status.UNKNOWN)),
        "load": None,
        "note": "",
        "seen_address": address,
        "enrolled_by": enrolment.token,
    }


def _take(
    wanted: Sequence[Wanted], cards: Mapping[str, Mapping[str, Any]], *, waits: bool
) -> dict[str, Registration]:
    if not cards:
        return take(wanted, waits=waits)
    with transaction.atomic():
        registered = take(wanted, waits=waits)
        save_cards(
            (registration, cards[agent_id])
            for agent_id, registration in registered.items()
            if agent_id in cards
        )
    return registered


def _try_to_register(
    columns: Mapping[str, Any], enrolment: Enrolment, card: Mapping[str, Any] | None
) -> Registration | None:
    """Return None if the id was taken, but is free now."""
    agent_id, wanted = columns["agent_id"], [Wanted(columns, enrolment)]
    cards = {} if card is None else {agent_id: card}
    if enrolment.max_agents is None:
        registered = _take(wanted, cards, waits=True)
    else:
        with transaction.atomic():
            check_number(agent_id, enrolment, enrolment.max_agents)
            registered = _take(wanted, cards, waits=True)
    if not registered:
        check_holder(agent_id, enrolment)
    return registered.get(agent_id)
