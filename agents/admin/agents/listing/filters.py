"""What the list of agents can be narrowed to, and what it is narrowed to now."""

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

# Longer than any tag or skill that is taken.
LONGEST_NAME = 256


@dataclass(frozen=True)
class InForce:
    """One thing that the list is narrowed to; `drop` leads to the list without it."""

    title: str
    value: str
    drop: str
    # What is to be said of it where nothing can be like that.
    fault: str = ""


class LivenessFilter(admin.SimpleListFilter):
    """Alive, expiring soon or expired, by the database's clock; whatever else is none of them."""

    title = "liveness"
    parameter_name = "liveness"

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002
        model_admin: ModelAdmin[Any],  # noqa: ARG002
    ) -> Iterable[tuple[str, str]]:
        return Lease.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:  # noqa: ARG002
        agents = cast("AgentQuerySet", queryset)
        if self.value() is None:
            return agents
        kept: dict[str, Callable[[], AgentQuerySet]] = {
            Lease.ALIVE: agents.alive,
            Lease.EXPIRING_SOON: agents.expiring_soon,
            Lease.EXPIRED: agents.expired,
        }
        return kept.get(self.value() or "", agents.none)()


class TextFilter(admin.SimpleListFilter):
    """What somebody types, exactly; nothing is looked up to choose from.

    Given several times, all of it has to be true of an agent, unless it can only be one thing.
    """

    is_text = True
    longest: ClassVar[int] = LONGEST_NAME
    takes_many: ClassVar[bool] = False

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        given = params.get(self.parameter_name or "", [])
        super().__init__(request, params, model, model_admin)
        values = list(dict.fromkeys(value for value in given if value))
        self.values: list[str] = values if self.takes_many else values[-1:]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:  # noqa: ARG002
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:  # noqa: ARG002
        yield from ()

    @property
    def kept_in_form(self) -> list[str]:
        """What the form sends along, beside what is typed into it."""
        return self.values if self.takes_many else []

    @property
    def in_field(self) -> str:
        return "" if self.takes_many else "".join(self.values)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:  # noqa: ARG002
        agents = cast("AgentQuerySet", queryset)
        if any(fault_of(value, self.longest) for value in self.values):
            return agents.none()
        return self.narrow(agents) if self.values else agents

    def narrow(self, agents: AgentQuerySet) -> AgentQuerySet:
        """Keep the agents that are as `values` say; these are good, and not empty."""
        return agents.filter(**{str(self.parameter_name): self.values[0]})


class TagFilter(TextFilter):
    title = "tag"
    parameter_name = "tag"
    takes_many = True

    def narrow(self, agents: AgentQuerySet) -> AgentQuerySet:
        return agents.with_tags(self.values)


class SkillFilter(TextFilter):
    title = "skill"
    parameter_name = "skill"
    takes_many = True

    def narrow(self, agents: AgentQuerySet) -> AgentQuerySet:
        return agents.with_skills(self.values)


class VersionFilter(TextFilter):
    title = "version"
    parameter_name = "version"
    longest = MAX_VERSION_LENGTH


class HostFilter(TextFilter):
    title = "host"
    parameter_name = "host"
    longest = MAX_HOST_LENGTH


def fault_of(value: str, longest: int = LONGEST_NAME) -> str:
    """Return why no agent can have `value`; empty where one can."""
    if "\0" in value:
        return "no database keeps a NUL character"
    return f"no agent's is longer than {longest} characters" if len(value) > longest else ""


# How what the list is narrowed to is called.
TITLES = {
    "q": "search",
    "liveness": "liveness",
    "state__exact": "operator's state",
    "status__exact": "own status",
    "tag": "tag",
    "skill": "skill",
    "version": "version",
    "host": "host",
    "enrolled_by__exact": "registered with token",
}
# What else an address of the list may say: how it is sorted.
ORDER = "o"
LONGEST = {"version": MAX_VERSION_LENGTH, "host": MAX_HOST_LENGTH}


def in_force(pairs: list[tuple[str, str]]) -> list[InForce]:
    """Return what a list is narrowed to whose address has `pairs`."""
    narrowing = [pair for pair in pairs if pair[0] in TITLES and pair[1]]
    return [
        InForce(
            TITLES[name],
            value,
            "?" + urlencode([pair for pair in pairs if pair != (name, value)]),
            fault_of(value, LONGEST.get(name, LONGEST_NAME)),
        )
        for name, value in narrowing
    ]
