"""Which agents start again and again, and which are refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, Subquery

from agents.database.clock import DatabaseNow
from agents.history.feed import newest_first
from agents.models import AgentEvent

Kind = AgentEvent.Kind
WITHIN = timedelta(hours=1)
# An hour may have more after a rollout; reading 50,000 takes a seventh of a second.
NEWEST = 5_000
FEWEST_STARTS = 3


@dataclass(frozen=True)
class Restless:
    """`starts`: how often it registered. `refusal`: a reason. Times are of the last ones."""

    agent_id: str
    starts: int
    started_at: datetime | None
    refusals: int
    refusal: str | None
    refused_at: datetime | None


def find_restless(limit: int) -> Sequence[Restless]:
    """Return agents that started often or were refused within the last hour, the worst first."""
    newest = newest_first().values("pk")[:1]
    start = Q(kind__in=[Kind.REGISTERED, Kind.RE_REGISTERED])
    refused = Q(kind=Kind.REFUSED)
    agents = (
        AgentEvent.objects.filter(
            start | refused,
            ~Q(agent_id=""),
            pk__gt=Subquery(newest) - NEWEST,
            at__gte=DatabaseNow() - WITHIN,
        )
        .values("agent_id")
        .annotate(
            starts=Count("pk", filter=start),
            started_at=Max("at", filter=start),
            refusals=Count("pk", filter=refused),
            refusal=Max("reason", filter=refused),
            refused_at=Max("at", filter=refused),
        )
        .filter(Q(starts__gte=FEWEST_STARTS) | Q(refusals__gt=0))
    )
    worst_first = agents.order_by("-refusals", "-starts", "agent_id")
    return [Restless(**row) for row in worst_first[:limit]]
