from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import urlencode

from agents.models import MAX_HOST_LENGTH, MAX_VERSION_LENGTH
from agents.querysets import AgentQuerySet
from agents.states import Lease

MAX_TEXT_LENGTH = 256
MAX_LENGTHS = {"version": MAX_VERSION_LENGTH, "host": MAX_HOST_LENGTH}

TITLES = {
    "q": "search",
    "liveness": "liveness",
    "state__exact": "operator state",
    "status__exact": "reported status",
    "tag": "tag",
    "skill": "skill",
    "version": "version",
    "host": "host",
    "enrolled_by__exact": "registered with token",
}
ORDER = "o"


class ChoicesFilter(admin.ChoicesFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = TITLES[self.lookup_kwarg]


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


class TextFilter(admin.SimpleListFilter):
    """Exact values. `takes_many`: an agent must match all of them; else the last counts."""

    is_text = True
    max_length: ClassVar[int] = MAX_TEXT_LENGTH
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
        if any(problem_with(value, self.max_length) for value in self.values):
            return agents.none()
        return self.matching(agents) if self.values else agents

    def matching(self, agents: AgentQuerySet) -> AgentQuerySet:
        return agents.filter(**{str(self.parameter_name): self.values[0]})


class TagFilter(TextFilter):
    title = "tag"
    parameter_name = "tag"
    takes_many = True

    def matching(self, agents: AgentQuerySet) -> AgentQuerySet:
        return agents.with_tags(self.values)


class SkillFilter(TextFilter):
    title = "skill"
    parameter_name = "skill"
    takes_many = True

    def matching(self, agents: AgentQuerySet) -> AgentQuerySet:
        return agents.with_skills(self.values)


class VersionFilter(TextFilter):
    title = "version"
    parameter_name = "version"
    max_length = MAX_LENGTHS["version"]


class HostFilter(TextFilter):
    title = "host"
    parameter_name = "host"
    max_length = MAX_LENGTHS["host"]


@dataclass(frozen=True)
class ActiveFilter:
    """`without`: the query string without it. `problem`: why no agent can match."""

    title: str
    value: str
    without: str
    problem: str = ""


def active_filters(parameters: list[tuple[str, str]]) -> list[ActiveFilter]:
    return [
        ActiveFilter(
            TITLES[name],
            value,
            "?" + urlencode([pair for pair in parameters if pair != (name, value)]),
            problem_with(value, MAX_LENGTHS.get(name, MAX_TEXT_LENGTH)),
        )
        for name, value in parameters
        if name in TITLES and value
    ]


def problem_with(value: str, max_length: int = MAX_TEXT_LENGTH) -> str:
    if "\0" in value:
        return "the database cannot store a NUL character"
    return f"over the limit of {max_length} characters" if len(value) > max_length else ""
