from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.serializers import ValidationError

from agents.discovery.fields import NameField
from agents.discovery.filters import BY_NAME, FILTERS, Filter
from agents.discovery.metadata import PREFIX, has_value
from agents.discovery.parameters import problem_with_metadata
from agents.querysets import AgentQuerySet
from agents.states import Lease

PARAMETERS = {"search": "q", "state": "state__exact", "status": "status__exact"}
METADATA = "meta"
ORDER = "o"
GROUP = "group"
ENROLLED_BY = "enrolled_by__exact"
DESCRIBED = {PARAMETERS.get(one.name, one.name): one for one in FILTERS}
TITLES = {
    "liveness": "liveness",
    **{parameter: one.title for parameter, one in DESCRIBED.items()},
    METADATA: "metadata",
    ENROLLED_BY: "registered with token",
}


class LivenessFilter(admin.SimpleListFilter):
    title = "liveness"
    parameter_name = "liveness"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> Iterable[tuple[str, str]]:
        return Lease.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        agents = cast("AgentQuerySet", queryset)
        if self.value() is None:
            return agents
        matching: dict[str, Callable[[], AgentQuerySet]] = {
            Lease.ALIVE: agents.alive,
            Lease.EXPIRING_SOON: agents.expiring_soon,
            Lease.EXPIRED: agents.expired,
        }
        return matching.get(self.value() or "", agents.none)()


class ChoiceFilter(admin.SimpleListFilter):
    described: ClassVar[Filter]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        choices = cast("NameField", self.described.field).choices
        return [
            (value, str(label).replace("-", " ").capitalize()) for value, label in choices.items()
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        agents, value = cast("AgentQuerySet", queryset), self.value()
        if value is None:
            return agents
        return (
            agents.none()
            if self.described.problem(value)
            else self.described.apply(agents, [value])
        )


class TextFilter(admin.SimpleListFilter):
    """A value to type. `takes_many`: an agent must match all; otherwise the last counts."""

    is_text = True
    takes_many: ClassVar[bool] = False

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        given = params.get(self.parameter_name or "", [])
        super().__init__(request, params, model, model_admin)
        values = list(dict.fromkeys(value for value in given if value))
        self.values: list[str] = values if self.takes_many else values[-1:]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield from ()

    @property
    def hidden_values(self) -> list[str]:
        return self.values if self.takes_many else []

    @property
    def field_value(self) -> str:
        return "" if self.takes_many else "".join(self.values)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        agents = cast("AgentQuerySet", queryset)
        if any(problem_with(str(self.parameter_name), value) for value in self.values):
            return agents.none()
        return self.matching(agents) if self.values else agents

    def matching(self, agents: AgentQuerySet) -> AgentQuerySet:
        raise NotImplementedError


class DescribedTextFilter(TextFilter):
    described: ClassVar[Filter]

    def matching(self, agents: AgentQuerySet) -> AgentQuerySet:
        try:
            return self.described.apply(agents, self.values)
        except ValidationError:
            return agents.none()


class MetadataFilter(TextFilter):
    title = TITLES[METADATA]
    parameter_name = METADATA
    takes_many = True

    def matching(self, agents: AgentQuerySet) -> AgentQuerySet:
        for value in self.values:
            key, _, text = value.partition("=")
            agents = agents.filter(has_value(key, [text]))
        return agents


def _filter_class(parameter: str, one: Filter) -> type[admin.SimpleListFilter]:
    is_choice = isinstance(one.field, NameField)
    base = ChoiceFilter if is_choice else DescribedTextFilter
    return type(
        f"{one.name.title()}Filter",
        (base,),
        {
            "title": one.title,
            "parameter_name": parameter,
            "described": one,
            "takes_many": one.needs_all,
        },
    )


# Choices first. Django has its own search field.
LIST_FILTER: list[Any] = [
    LivenessFilter,
    *sorted(
        (
            _filter_class(parameter, one)
            for parameter, one in DESCRIBED.items()
            if one is not BY_NAME["search"]
        ),
        key=lambda kind: issubclass(kind, TextFilter),
    ),
    MetadataFilter,
]
# Facets list the values of the others.
TYPED = tuple(
    kind for kind in LIST_FILTER if kind.parameter_name in {METADATA, BY_NAME["name"].name}
)
# Several values of these narrow the list further.
REPEATABLE = {
    METADATA,
    *(parameter for parameter, one in DESCRIBED.items() if one.needs_all),
} - {PARAMETERS["search"]}


def problem_with(parameter: str, value: str) -> str:
    if parameter == METADATA:
        key, equals, text = value.partition("=")
        return problem_with_metadata(f"{PREFIX}{key}", text) if equals else "Give KEY=VALUE."
    return DESCRIBED.get(parameter, BY_NAME["search"]).problem(value)
