"""Values to filter by, with how many agents have each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from django.http import HttpRequest
from django.utils.http import urlencode

from agents.admin.agents.listing.changelist import FleetChangeList
from agents.admin.agents.listing.filters import ENROLLED_BY, PARAMETERS, REPEATABLE, TITLES
from agents.conditions import LEVELS
from agents.durations import ago
from agents.leases.fleet.facet_counts import (
    Facet as Counted,
)
from agents.leases.fleet.facet_counts import (
    FacetCounts,
    FacetValue,
)
from agents.models import AccessToken
from agents.states import UNKNOWN_LEVEL

SHOWN, IN_PAGE = 6, 60
# Their values are short lists of our own words, or have names of their own.
CHOSEN = {"condition", "state", "status", "token"}
VIEW_TOKENS = "agents.view_accesstoken"


@dataclass(frozen=True)
class Choice:
    text: str
    agents: int
    url: str
    is_active: bool
    level: str = ""


@dataclass(frozen=True)
class Facet:
    """`distinct`: values in all. `hidden`: the other parameters, for the form of the box."""

    name: str
    parameter: str
    title: str
    choices: Sequence[Choice]
    distinct: int
    hidden: Sequence[tuple[str, str]]

    @property
    def has_box(self) -> bool:
        return self.name not in CHOSEN

    @property
    def shown(self) -> Sequence[Choice]:
        return self.choices[:SHOWN]

    @property
    def more(self) -> Sequence[Choice]:
        return self.choices[SHOWN:]

    @property
    def is_complete(self) -> bool:
        return len(self.choices) == self.distinct


@dataclass(frozen=True)
class Facets:
    """`of`: what was counted, in words."""

    facets: Sequence[Facet]
    of: str
    is_due: bool


def facets(request: HttpRequest, changelist: FleetChangeList) -> Facets:
    counts = changelist.facet_counts
    return Facets(
        [
            _facet(changelist, name, islice(facet.values, IN_PAGE), facet.distinct)
            for name, facet in _visible(request, counts)
        ],
        _of(changelist, counts),
        counts.is_due,
    )


def matching_values(
    request: HttpRequest, changelist: FleetChangeList, name: str, text: str
) -> Facet | None:
    """Return the values of a facet that contain a text."""
    for known, facet in _visible(request, changelist.facet_counts):
        if known == name:
            found = [one for one in facet.values if text.lower() in one.value.lower()]
            shown = _facet(changelist, name, found[:IN_PAGE], facet.distinct)
            return replace(shown, distinct=len(found))
    return None


def _visible(request: HttpRequest, counts: FacetCounts) -> Iterator[tuple[str, Counted]]:
    for name, facet in counts.facets.items():
        if facet.values and (name != "token" or request.user.has_perm(VIEW_TOKENS)):
            yield name, facet


def _of(changelist: FleetChangeList, counts: FacetCounts) -> str:
    if counts.at is not None:
        return f"Numbers of all agents, counted {ago(counts.age, units=1)}."
    if changelist.matching_ids is None:
        return "Numbers of all agents."
    return "Numbers of the matching agents." if changelist.active_filters else ""


def _facet(
    changelist: FleetChangeList, name: str, values: Iterable[FacetValue], distinct: int
) -> Facet:
    parameter = parameter_of(name)
    values = list(values)
    names = _token_names(values) if name == "token" else {}
    active = {value for known, value in changelist.parameters if known == parameter}
    hidden = changelist.parameters_beside(*({parameter} - REPEATABLE))
    choices = [
        Choice(
            text=names.get(one.value, one.value.replace("-", " ") if name in CHOSEN else one.value),
            agents=one.agents,
            url=_url(changelist, parameter, one.value, is_active=one.value in active),
            is_active=one.value in active,
            level=LEVELS.get(one.value, UNKNOWN_LEVEL) if name == "condition" else "",
        )
        for one in values
    ]
    return Facet(name, parameter, TITLES[parameter], choices, distinct, hidden)


def parameter_of(name: str) -> str:
    return ENROLLED_BY if name == "token" else PARAMETERS.get(name, name)


def _url(changelist: FleetChangeList, parameter: str, value: str, *, is_active: bool) -> str:
    if is_active:
        pairs = [pair for pair in changelist.parameters if pair != (parameter, value)]
    else:
        others = changelist.parameters_beside(*({parameter} - REPEATABLE))
        pairs = [*others, (parameter, value)]
    return f"?{urlencode(pairs)}"


def _token_names(values: Iterable[FacetValue]) -> dict[str, str]:
    keys = [one.value for one in values]
    return {token.key: str(token) for token in AccessToken.objects.filter(key__in=keys)}
