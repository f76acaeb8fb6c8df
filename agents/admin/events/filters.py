from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import DateFieldListFilter, ListFilter, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone

from agents.actors import STAFF
from agents.database.dialect import dialect
from agents.models import BY_STAFF, MAX_ACTOR_LENGTH, MAX_ID_LENGTH, MAX_REASON_LENGTH

MAX_GENERATION = 2**63 - 1
MAX_TEXT_LENGTH = max(MAX_ID_LENGTH, MAX_ACTOR_LENGTH, MAX_REASON_LENGTH)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=get_current_timezone())


class TextFilter(ListFilter):
    name: ClassVar[str]
    input_type: ClassVar[str] = "text"
    example: ClassVar[str] = ""
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
            problem = ValidationError(f"“{self.text}” cannot be used as “{self.title}”.")
            raise IncorrectLookupParameters(problem) from error


class AgentFilter(TextFilter):
    title = "agent id begins with"
    name = "agent"
    example = "weather-"

    def condition(self, text: str) -> Q:
        return dialect.starts_with("agent_id", text)


class ActorFilter(TextFilter):
    title = "actor begins with"
    name = "by"
    example = "admin:grace"

    def condition(self, text: str) -> Q:
        condition = dialect.starts_with("actor", text)
        # Otherwise PostgreSQL would not use the partial index.
        return condition & BY_STAFF if text.startswith(STAFF) else condition


class ReasonFilter(TextFilter):
    title = "reason contains"
    name = "why"
    example = "no heartbeat"

    def condition(self, text: str) -> Q:
        return Q(reason__icontains=text)


class GenerationFilter(TextFilter):
    title = "generation"
    name = "lease"
    input_type = "number"

    def condition(self, text: str) -> Q:
        number = int(text)
        return Q(generation=number) if 0 <= number <= MAX_GENERATION else Q(pk__in=[])


class SinceFilter(TextFilter):
    title = "from"
    name = "since"
    input_type = "date"

    def condition(self, text: str) -> Q:
        return Q(at__gte=_midnight(date.fromisoformat(text)))


class UntilFilter(TextFilter):
    title = "until"
    name = "until"
    input_type = "date"

    def condition(self, text: str) -> Q:
        return Q(at__lt=_midnight(date.fromisoformat(text) + timedelta(days=1)))


class DateFilter(DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "date"


TEXT_FILTERS: list[type[TextFilter]] = [
    AgentFilter,
    ActorFilter,
    ReasonFilter,
    GenerationFilter,
    SinceFilter,
    UntilFilter,
]
