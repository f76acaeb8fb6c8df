import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name

from agents.admin.agents.held_purge import HeldPurge, held_purge
from agents.admin.dashboard.attention import Attention, attention
from agents.admin.dashboard.charts import Chart
from agents.admin.dashboard.health import Health, Part, report_health
from agents.admin.dashboard.spans import DEFAULT, SPANS
from agents.admin.widgets.times import moment
from agents.attention import find_concerns
from agents.history.activity import read_buckets
from agents.history.feed import newest_first
from agents.history.gone import Died, died_lately
from agents.leases.fleet.count import Count
from agents.leases.fleet.last_count import recent_count
from agents.models import AgentEvent
from agents.states import Lease, State

NEWEST_EVENTS = 10
MOST_DIED = 200  # that are listed


@dataclass(frozen=True)
class Tile:
    """`level`: "" for no colour, as for a count of zero."""

    name: str
    count: int
    url: str
    level: str
    hint: str

    @property
    def count_in_words(self) -> str:
        return f"{self.count:,}"


@dataclass(frozen=True)
class Overview:
    """None: the user may not see it."""

    health: Health
    count: Count | None
    died: Died | None
    events: list[AgentEvent] | None
    held_purge: HeldPurge | None
    attention: Attention

    @property
    def tiles(self) -> list[Tile] | None:
        return None if self.count is None else tiles(self.count, self.died)

    @property
    def events_and_ages(self) -> list[tuple[AgentEvent, SafeString]]:
        return [(event, moment(event.at, self.health.now)) for event in self.events or ()]

    @property
    def parts_and_ages(self) -> list[tuple[Part, SafeString | str]]:
        now = self.health.now
        return [(part, moment(part.at, now) if part.at else "") for part in self.health.parts]

    @property
    def counted(self) -> SafeString | str:
        at = self.count and self.count.at
        return moment(at, self.health.now) if at else ""

    @property
    def etag(self) -> str:
        """Without ages, which the page updates. Stored events never change."""
        held = self.held_purge
        hold = held and (held.expired, held.silent, held.fleet, held.time_left, held.may_purge)
        events = None if self.events is None else [event.pk for event in self.events]
        died = self.died and self.died.total
        count = self.count and (self.count.groups, self.count.at)
        return _etag(count, died, events, hold, self.health.parts, self.attention.parts)


def overview(request: HttpRequest) -> Overview:
    user = request.user
    with_agents, with_events = may_view_agents(user), user.has_perm("agents.view_agentevent")
    count = recent_count() if with_agents else None
    died = died_lately(MOST_DIED) if with_agents and with_events else None
    health = report_health(with_numbers=with_agents)
    held = held_purge(request, health.sweeps, count)
    concerns = [] if count is None else find_concerns(count, died)
    return Overview(
        health=health,
        count=count,
        died=died,
        events=list(newest_first()[:NEWEST_EVENTS]) if with_events else None,
        held_purge=held,
        attention=attention(concerns, health.troubles, held, health.now),
    )


def living(name: str, now: datetime) -> tuple[Chart, str]:
    """Return the chart of a span, by its name, with its ETag."""
    span = SPANS.get(name, SPANS[DEFAULT])
    chart = Chart(span, read_buckets(now=now, number=span.number, minutes=span.minutes))
    return chart, _etag(chart)


def may_view_agents(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(user.has_perm("agents.view_agentrecord"))  # type: ignore[union-attr]


def tiles(count: Count, died: Died | None) -> list[Tile]:
    """`died`: None if the user may not see the history."""
    fleet = reverse("admin:agents_agentrecord_changelist")

    def tile(kind: Lease | State, number: int, parameter: str) -> Tile:
        level = kind.level if number else ""
        return Tile(kind.label, number, f"{fleet}?{parameter}={kind}", level, kind.hint)

    leases = [tile(lease, number, "liveness") for lease, number in count.leases.items()]
    if died is not None:
        leases[-1] = _gone(count.leases[Lease.EXPIRED], died)
    return [
        *leases,
        *(tile(state, number, "state__exact") for state, number in count.states.items()),
        Tile("Total", count.registered, fleet, "", "registered"),
    ]


def _gone(expired: int, died: Died) -> Tile:
    """The expired count too: their records are kept until a purge."""
    url = f"{reverse('admin:agents_agentrecord_gone')}?how=died&within=day"
    number = died.total + expired
    hint = f"died; {expired:,} with a record" if expired else "died and not back"
    return Tile("Gone in the last 24 h", number, url, Lease.EXPIRED.level if number else "", hint)


def _etag(*parts: Any) -> str:
    zone = get_current_timezone_name()
    digest = hashlib.blake2b(repr((zone, *parts)).encode(), digest_size=12).hexdigest()
    return f'"{digest}"'
