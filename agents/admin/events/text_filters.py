from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import ListFilter, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone

from agents.actors import STAFF
from agents.database.dialect import dialect
from agents.models import BY_STAFF, MAX_ACTOR_LENGTH, MAX_ID_LENGTH, MAX_REASON_LENGTH

MAX_GENERATION = 2**63 - 1
MAX_TEXT_LENGTH = max(MAX_ID_LENGTH, MAX_ACTOR_LENGTH, MAX_REASON_LENGTH)


def by(actor: str) -> Q:
    condition = dialect.starts_with("actor", actor)
    # PostgreSQL uses the partial index only if the query has its condition.
    return condition & BY_STAFF if actor.startswith(STAFF) else condition


def _of_generation(number: int) -> Q:
    # The database refuses larger numbers.
    return Q(generation=number) if 0 <= number <= MAX_GENERATION else Q(pk__in=[])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=get_current_timezone())


class TextFilter(ListFilter):
    name: ClassVar[str]  # of the query parameter
    template = "admin/agents/agentevent/no_filter.html"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Any],
        model_admin: ModelAdmin[Any],
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.text = params.pop(self.name, [""])[-1].strip()

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.name]

    def choices(self, changelist: Any) -> Iterator[Any]:
        return iter(())

    def condition(self, text: str) -> Q:
        """Raise ValueError or OverflowError."""
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.text:
            return queryset
        # PostgreSQL refuses NUL, SQLite very long patterns.
        if "\0" in self.text or len(self.text) > MAX_TEXT_LENGTH:
            return queryset.none()
        try:
            return queryset.filter(self.condition(self.text))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class AgentFilter(TextFilter):
    title = "agent id begins with"
    name = "agent"

    def condition(self, text: str) -> Q:
        return dialect.starts_with("agent_id", text)


class ActorFilter(TextFilter):
    title = "actor begins with"
    name = "by"

    def condition(self, text: str) -> Q:
        return by(text)


class ReasonFilter(TextFilter):
    title = "reason contains"
    name = "why"

    def condition(self, text: str) -> Q:
        return Q(reason__icontains=text)


class GenerationFilter(TextFilter):
    title = "generation"
    name = "lease"

    def condition(self, text: str) -> Q:
        return _of_generation(int(text))


class SinceFilter(TextFilter):
    title = "from"
    name = "since"

    def condition(self, text: str) -> Q:
        return Q(at__gte=_midnight(date.fromisoformat(text)))


class UntilFilter(TextFilter):
    title = "until"
    name = "until"

    def condition(self, text: str) -> Q:
        return Q(at__lt=_midnight(date.fromisoformat(text) + timedelta(days=1)))


# With the type of input and an example.
FIELDS: list[tuple[type[TextFilter], str, str]] = [
    (AgentFilter, "text", "weather-"),
    (ActorFilter, "text", "admin:grace"),
    (ReasonFilter, "text", "no heartbeat"),
    (GenerationFilter, "number", ""),
    (SinceFilter, "date", ""),
    (UntilFilter, "date", ""),
]
TEXT_FILTERS = [text_filter for text_filter, *_ in FIELDS]
