from collections.abc import Sequence
from typing import Unpack

from django.db import transaction

from agents.history.record import record_refused_registration
from agents.leases.application import Application, Fields
from agents.leases.cards import save_cards
from agents.leases.id_rule import check_holder, check_number
from agents.leases.upsert import Registration, take
from agents.metrics import counters
from agents.tokens.enrollment import ANYBODY, Enrolment, IdHeldByAnother


def register(
    *, address: str | None = None, enrolment: Enrolment = ANYBODY, **fields: Unpack[Fields]
) -> Registration:
    """Replace all that the agent sent before; keep the operator's state.

    `address`: of the caller. Raise IdHeldByAnother or TooManyAgents.
    """
    application = Application(fields, address, enrolment)
    registration = None
    try:
        while registration is None:
            registration = _try_to_register(application)
    except IdHeldByAnother as error:
        record_refused_registration(
            application.agent_id, actor=enrolment.actor, reason=str(error), address=address
        )
        raise
    counters.count_registration(created=registration.created)
    return registration


def register_many(applications: Sequence[Application]) -> dict[str, Registration]:
    """Register agents of different ids by one commit. Return by id those that could be.

    Leaves out ids of others and locked records. Ignores limits of tokens.
    """
    registered = _take(applications, waits=False)
    for registration in registered.values():
        counters.count_registration(created=registration.created)
    return registered


def _try_to_register(application: Application) -> Registration | None:
    """Return None if the id was taken, but is free now."""
    agent_id, enrolment = application.agent_id, application.enrolment
    if enrolment.max_agents is None:
        registered = _take([application], waits=True)
    else:
        with transaction.atomic():
            check_number(agent_id, enrolment, enrolment.max_agents)
            registered = _take([application], waits=True)
    if not registered:
        check_holder(agent_id, enrolment)
    return registered.get(agent_id)


def _take(applications: Sequence[Application], *, waits: bool) -> dict[str, Registration]:
    cards = {one.agent_id: one.card for one in applications if one.card is not None}
    if not cards:
        return take(applications, waits=waits)
    with transaction.atomic():
        registered = take(applications, waits=waits)
        save_cards(
            (registration, cards[agent_id])
            for agent_id, registration in registered.items()
            if agent_id in cards
        )
    return registered
