"""The filters of lists, picks and watches, as arguments."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import httpx

One = str | Sequence[str]


class WatchFilters(TypedDict, total=False):
    """An agent must match all of them; docs/discovery.md of the registry describes each.

    `metadata`: values by key, such as {"region": "eu", "gpu.count": 2}.
    """

    tag: One
    skill: One
    name: One
    version: One
    host: One
    state: One
    search: One
    metadata: Mapping[str, str | float | bool]
    include_dead: bool


class ListFilters(WatchFilters, total=False):
    """`sort`: the order, such as "host,-load"."""

    status: One
    condition: One
    sort: str


class PickFilters(TypedDict, total=False):
    tag: One
    skill: One
    name: One
    version: One
    host: One
    state: One
    search: One
    status: One
    condition: One
    metadata: Mapping[str, str | float | bool]


def query_of(filters: Mapping[str, Any]) -> httpx.QueryParams:
    query = httpx.QueryParams()
    for name, value in filters.items():
        if name == "metadata":
            for key, one in value.items():
                query = query.add(f"meta.{key}", one)
        else:
            for one in [value] if isinstance(value, str | bool) else value:
                query = query.add(name, one)
    return query
