from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from agents.database.dialect import dialect
from agents.models import AgentEvent

Kind = AgentEvent.Kind


def write_past(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Write made-up events in the order of their times. Return the newest generation of each agent.

    Into an empty history only, since they get the next numbers.
    """
    ordered = sorted(events, key=itemgetter("at"))
    first = dialect.skip_ids(AgentEvent, len(ordered)) - len(ordered) + 1
    generations: dict[str, int] = {}
    rows = []
    for number, event in enumerate(ordered, first):
        if event["kind"] in {Kind.REGISTERED, Kind.RE_REGISTERED}:
            generations[event["agent_id"]] = number
        rows.append(AgentEvent(id=number, generation=generations.get(event["agent_id"]), **event))
    AgentEvent.objects.bulk_create(rows, batch_size=500)
    return generations
