"""The list grouped by version, host or tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.utils.http import urlencode

from agents.admin.agents.listing.changelist import FleetChangeList
from agents.admin.agents.listing.facets import parameter_of
from agents.admin.agents.listing.filters import GROUP, REPEATABLE
from agents.leases.fleet.facet_counts import Facet, FacetValue, count_facet
from agents.querysets import AgentQuerySet
from agents.states import Level

NAMES = ("version", "host", "tag")
MOST = 200
TITLES = {
    Level.OK: "alive",
    Level.WARN: "with warnings",
    Level.HOLD: "draining",
    Level.ISOLATED: "quarantined",
    Level.BAD: "expired or unreachable",
}


@dataclass(frozen=True)
class Part:
    """Of a bar; `start` and `width` in percent."""

    level: str
    words: str
    agents: int
    start: float
    width: float


@dataclass(frozen=True)
class Group:
    value: str
    url: str
    agents: int
    parts: Sequence[Part]


@dataclass(frozen=True)
class Groups:
    name: str
    rows: Sequence[Group]
    distinct: int

    @property
    def unlisted(self) -> int:
        return self.distinct - len(self.rows)


@dataclass(frozen=True)
class Choice:
    name: str
    url: str
    is_active: bool


def choices(changelist: FleetChangeList) -> list[Choice]:
    others = changelist.parameters_beside(GROUP)
    active = group_of(changelist)
    return [
        Choice(
            name,
            f"?{urlencode(others if name == active else [*others, (GROUP, name)])}",
            name == active,
        )
        for name in NAMES
    ]


def group_of(changelist: FleetChangeList) -> str:
    given = [value for name, value in changelist.parameters if name == GROUP]
    return given[-1] if given and given[-1] in NAMES else ""


def groups(changelist: FleetChangeList) -> Groups | None:
    name = group_of(changelist)
    if not name:
        return None
    facet = _count(changelist, name)
    others = changelist.parameters_beside(GROUP, *({parameter_of(name)} - REPEATABLE))
    rows = [
        Group(
            one.value,
            f"?{urlencode([*others, (parameter_of(name), one.value)])}",
            one.agents,
            _parts(one),
        )
        for one in facet.values[:MOST]
    ]
    return Groups(name, rows, facet.distinct)


def _count(changelist: FleetChangeList, name: str) -> Facet:
    if changelist.matching_ids is None and changelist.is_filtered:
        return count_facet(cast("AgentQuerySet", changelist.queryset), name)
    return changelist.facet_counts.facets[name]


def _parts(value: FacetValue) -> list[Part]:
    parts, start = [], 0.0
    for level in reversed(Level):
        agents = value.by_level[level.rank]
        width = 100 * agents / value.agents
        if agents:
            parts.append(Part(level, TITLES[level], agents, start, width))
        start += width
    return parts
