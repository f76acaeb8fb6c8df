from dataclasses import dataclass

from django.utils.http import urlencode

from agents.admin.agents.listing.filters import TITLES, problem_with


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
            problem_with(name, value),
        )
        for name, value in parameters
        if name in TITLES and value
    ]
