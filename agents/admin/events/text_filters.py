"""What the history can be asked for by text: whose, by whom, why, of which generation, when."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import ListFilter, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone

from agents.actors import STAFF
from agents.models import BY_STAFF, MAX_ACTOR_LENGTH, MAX_ID_LENGTH, MAX_REASON_LENGTH

# A character behind all that ids and names of actors may hold.
LAST = "\U0010ffff"
MAX_BIGINT = 2**63 - 1
# Of all that is asked for by text, these columns hold the longest.
LONGEST_TEXT = max(MAX_ID_LENGTH, MAX_ACTOR_LENGTH, MAX_REASON_LENGTH)


def begins_with(column: str, text: str) -> Q:
    """Return the condition that a column begins with `text`, in this case, by its index.

    SQLite's LIKE takes "A" for "a", and so can use no index.
    """
    if connection.vendor == "sqlite":
        return Q(**{f"{column}{LOOKUP_SEP}gte": text, f"{column}{LOOKUP_SEP}lt": text + LAST})
    return Q(**{f"{column}{LOOKUP_SEP}startswith": text})


def by(actor: str) -> Q:
    """Return the condition for events whose actor begins so.

    PostgreSQL takes the index of what the staff did where its condition is among the question's.
    SQLite, which is not told the text before it plans, cannot.
    """
    condition = begins_with("actor", actor)
    if connection.vendor == "postgresql" and actor.startswith(STAFF):
        condition &= BY_STAFF
    return condition


def _of_generation(number: int) -> Q:
    # Beyond what the column can hold, the database would find fault with the question.
    return Q(generation=number) if 0 <= number <= MAX_BIGINT else Q(pk__in=[])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=get_current_timezone())


class Question(ListFilter):
    """A field of the form above the history. Its parameter in the address has its name."""

    name: ClassVar[str]
    # It has no place beside the list.
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

    def choices(self, changelist: Any) -> Iterator[Any]:  # noqa: ARG002
        return iter(())

    def condition(self, text: str) -> Q:
        """Return what holds for the events that are asked for. Raise ValueError, OverflowError."""
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        if not self.text:
            return queryset
        # No text of a database has a NUL; SQLite looks for none that is very long.
        if "\0" in self.text or len(self.text) > LONGEST_TEXT:
            return queryset.none()
        try:
            return queryset.filter(self.condition(self.text))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class AgentQuestion(Question):
    title = "agent's id begins with"
    name = "agent"

    def condition(self, text: str) -> Q:
        return begins_with("agent_id", text)


class ActorQuestion(Question):
    title = "actor begins with"
    name = "by"

    def condition(self, text: str) -> Q:
        return by(text)


class ReasonQuestion(Question):
    title = "reason contains"
    name = "why"

    def condition(self, text: str) -> Q:
        return Q(reason__icontains=text)


class GenerationQuestion(Question):
    title = "generation"
    name = "lease"

    def condition(self, text: str) -> Q:
        return _of_generation(int(text))


class SinceQuestion(Question):
    title = "from"
    name = "since"

    def condition(self, text: str) -> Q:
        return Q(at__gte=_midnight(date.fromisoformat(text)))


class UntilQuestion(Question):
    title = "until"
    name = "until"

    def condition(self, text: str) -> Q:
        return Q(at__lt=_midnight(date.fromisoformat(text) + timedelta(days=1)))


# As the form has them: with the kind of field, and an example.
FORM: list[tuple[type[Question], str, str]] = [
    (AgentQuestion, "text", "weather-"),
    (ActorQuestion, "text", "admin:grace"),
    (ReasonQuestion, "text", "no heartbeat"),
    (GenerationQuestion, "number", ""),
    (SinceQuestion, "date", ""),
    (UntilQuestion, "date", ""),
]
QUESTIONS = [question for question, *_ in FORM]
