"""All agents, the worst condition first.

To rank and sort 100,000 agents takes PostgreSQL 90 ms. Here one look at the fleet finds those whose
lease or report is not OK, indexes find those with another state or a failing probe, and only these
few are ranked. What a page still lacks is read in the order of the ids.
"""

from typing import Any

from django.db.models import Q

from agents.conditions import condition_rank
from agents.database.clock import DatabaseNow, LeaseWanes
from agents.models import AgentRecord, ProbeFinds
from agents.querysets import AgentQuerySet
from agents.states import Level, Probe, State, Status

OK_STATUSES = [status.value for status in Status if status.level is Level.OK]
BAD_VERDICTS = [verdict for verdict in Probe if verdict.level is not Level.OK]


def worst_first(agents: AgentQuerySet, start: int, stop: int) -> list[AgentRecord]:
    """Return a slice of all `agents`, which may be annotated but not filtered.

    Of equally bad agents the smaller id comes first.
    """
    places = _not_ok()
    not_ok = _ranked(places, most=stop)
    ids = not_ok[start:stop]
    if len(not_ok) >= stop:
        by_id = agents.in_bulk(ids)
        return [by_id[agent_id] for agent_id in ids if agent_id in by_id]
    others = AgentRecord.objects.order_by("pk")
    for place in places:
        others = others.exclude(place)
    first = max(start - len(not_ok), 0)
    rest = others.values("pk")[first : first + stop - start - len(ids)]
    rows: Any = agents.order_by().filter(pk__in=rest).union(agents.filter(pk__in=ids), all=True)
    by_id = {agent.pk: agent for agent in rows.order_by("pk")}
    page = [by_id.pop(agent_id) for agent_id in ids if agent_id in by_id]
    known = set(not_ok)
    return page + [agent for agent_id, agent in by_id.items() if agent_id not in known]


def _not_ok() -> list[Q]:
    """Return a condition for each way to find agents."""
    return [
        # An expired lease has waned, too.
        Q(LeaseWanes(DatabaseNow())) | ~Q(status__in=OK_STATUSES),
        ~Q(state=State.ACTIVE),
        Q(ProbeFinds(BAD_VERDICTS)),
    ]


def _ranked(places: list[Q], most: int) -> list[str]:
    found: list[Any] = [_with_rank(AgentRecord.objects.filter(place)) for place in places]
    everywhere = found[0].union(*found[1:], all=True).order_by("-rank", "pk")
    # An agent is found at most once in each place.
    ids = [agent_id for agent_id, _ in everywhere[: most * len(places)]]
    return list(dict.fromkeys(ids))[:most]


def _with_rank(agents: AgentQuerySet) -> Any:
    return agents.order_by().annotate(rank=condition_rank()).values_list("pk", "rank")
