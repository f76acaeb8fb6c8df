from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db.models import (
    Count,
    Expression,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from agents.database.clock import DatabaseNow, ExpiresAt, HasExpired, LeaseWanes, Moment
from agents.database.expressions import ListContains

if TYPE_CHECKING:
    from agents.models import AccessToken, AgentRecord  # noqa: F401


@dataclass(frozen=True)
class FleetCount:
    registered: int
    active: int


class AgentQuerySet(QuerySet["AgentRecord"]):
    """`now` defaults to the database's time."""

    def alive(self, now: datetime | None = None) -> Self:
        if now is None:
            return self.filter(~Q(HasExpired()))
        return self.filter(GreaterThan(ExpiresAt(), Moment(now)))

    def expired(self, now: datetime | None = None) -> Self:
        if now is None:
            return self.filter(HasExpired())
        return self.filter(LessThanOrEqual(ExpiresAt(), Moment(now)))

    def expiring_soon(self, now: datetime | None = None) -> Self:
        """Alive, with less than a third of the TTL left."""
        return self.alive(now).filter(LeaseWanes(_moment(now)))

    def count_fleet(self) -> FleetCount:
        alive = Count("agent_id", filter=~Q(HasExpired()))
        row = self.aggregate(registered=Count("agent_id"), active=alive)
        return FleetCount(**row)

    def with_read_at(self) -> Self:
        """Annotate each agent with `read_at`, the database's time."""
        return self.annotate(read_at=DatabaseNow())

    def with_tags(self, tags: Sequence[str]) -> Self:
        return self._listing("tags", tags)

    def with_skills(self, skills: Sequence[str]) -> Self:
        return self._listing("skills", skills)

    def search(self, text: str) -> Self:
        return self.filter(
            Q(agent_id__icontains=text) | Q(agent_name__icontains=text) | Q(host__icontains=text)
        )

    def _listing(self, field: str, names: Sequence[str]) -> Self:
        queryset = self
        for name in names:
            queryset = queryset.filter(ListContains(F(field), Value(name)))
        return queryset


class AccessTokenQuerySet(QuerySet["AccessToken"]):
    def with_agents(self) -> Self:
        """Annotate each token with `alive_agents`, and with `read_at`, the database's time."""
        agents: Any = apps.get_model("agents", "AgentRecord").objects
        of_the_token = agents.filter(enrolled_by=OuterRef("key")).alive().order_by()
        count = of_the_token.values("enrolled_by").annotate(count=Count("pk")).values("count")
        alive = Coalesce(Subquery(count), 0)
        return self.annotate(alive_agents=alive, read_at=DatabaseNow())


def read_at(record: Any) -> datetime:
    """Return the annotation `read_at`, which mypy does not know."""
    moment: datetime = record.read_at
    return moment


def _moment(now: datetime | None) -> Expression:
    return DatabaseNow() if now is None else Moment(now)
