from django.db.models import OuterRef, Subquery

from agents.models import AgentEvent


def time_of(generation: str) -> Subquery:
    """Return an expression for when a registration was made; NULL if its event is deleted.

    `generation`: a column of the agents.
    """
    event = AgentEvent.objects.filter(pk=OuterRef(generation))
    return Subquery(event.values("at")[:1])
