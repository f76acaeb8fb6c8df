"""Which agents a token has registered, by the history."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents import actors
from agents.models import BY_TOKEN, AccessToken, AgentEvent, AgentRecord

MOST = 100
# Registrations that one page looks at: an agent may have registered thousands of times.
WINDOW = 5_000


@dataclass(frozen=True)
class Registered:
    """`event`: the token's last registration of the agent. `agent`: None if it is gone."""

    event: AgentEvent
    agent: AgentRecord | None


@dataclass(frozen=True)
class Page:
    """Newest first. `next`: where the next page begins, None after the last."""

    rows: Sequence[Registered]
    next: int | None


def registered_by(token: AccessToken, before: int | None = None) -> Page:
    events = AgentEvent.objects.filter(BY_TOKEN, actor=actors.token(token.key))
    older = events if before is None else events.filter(pk__lt=before)
    window = list(older.order_by("-pk").values_list("pk", "agent_id")[:WINDOW])
    last: dict[str, int] = {}
    following = window[-1][0] if len(window) == WINDOW else None
    for pk, agent_id in window:
        if agent_id not in last:
            if len(last) == MOST:
                following = min(last.values())
                break
            last[agent_id] = pk
    if before is not None:
        later = events.filter(agent_id__in=last, pk__gte=before)
        for agent_id in later.values_list("agent_id", flat=True).distinct():
            del last[agent_id]
    found = AgentEvent.objects.in_bulk(list(last.values()))
    agents = AgentRecord.objects.with_read_at().in_bulk(list(last))
    rows = [Registered(found[pk], agents.get(agent_id)) for agent_id, pk in last.items()]
    return Page(rows, following)
