from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.http import QueryDict

from agents.discovery.filters import Filters
from agents.discovery.parameters import ListedAgentsSerializer, read_filters
from agents.discovery.watch.gone import matching
from agents.history import feed
from agents.models import AgentRecord
from agents.serializers.agent_texts import read_texts
from agents.serializers.cached import validate

# Heartbeats report these, without an event.
UNWATCHABLE = ("status", "condition")
OTHERS = ("since", "wait", "format")


class NotWatchable(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Found:
    """`agents`: the JSON of those that match, None if they are not in the view.

    `others` do not match.
    """

    agents: Mapping[str, str | None]
    others: Collection[str]


@dataclass(frozen=True)
class View:
    """`key`: equal for equal filters. `states`: those that it shows; empty for all."""

    key: str
    filters: Filters = field(compare=False)
    includes_dead: bool = field(compare=False)
    states: Collection[str] = field(compare=False)

    @classmethod
    def of(cls, parameters: QueryDict) -> "View":
        """Raise ValidationError or NotWatchable."""
        filters = read_filters(parameters)
        for name in UNWATCHABLE:
            if filters.values.get(name):
                raise NotWatchable(name)
        includes_dead = bool(validate(ListedAgentsSerializer, parameters).get("include_dead"))
        return cls(_key(parameters), filters, includes_dead, filters.values.get("state", ()))

    def read(self, ids: Collection[str]) -> Found:
        """Read who has expired from the history, so that a view changes only by events."""
        agents = AgentRecord.objects.filter(pk__in=ids)
        expiries = dict(agents.values_list("pk", "recorded_expiry"))
        texts = read_texts(self.filters.apply(agents), len(ids))
        found = {
            agent_id: text if self.includes_dead or expiries.get(agent_id) is None else None
            for agent_id, text in texts.items()
        }
        return Found(found, expiries.keys() - found.keys())

    def never_had(self, ends: Collection[int]) -> Collection[int]:
        """Return those of these final events whose agents did not match."""
        if any(not isinstance(one, str) for one in self.filters.values.get("version", ())):
            return []  # ranges know the versions of living agents only
        records = feed.last_records(ends)
        return records.keys() - matching(self.filters, records)


def _key(parameters: QueryDict) -> str:
    return repr(sorted((name, texts) for name, texts in parameters.lists() if name not in OTHERS))
