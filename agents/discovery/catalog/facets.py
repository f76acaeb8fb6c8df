import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from agents.discovery.catalog.paths import Path
from agents.querysets import AgentQuerySet


def facet(agents: AgentQuerySet, path: Path, *, limit: int, min_count: int) -> dict[str, Any]:
    """Return the most frequent values. An agent counts for each value of its list."""
    counts = _counts(agents, path)
    frequent = [(value, count) for value, count in counts.items() if count >= min_count]
    frequent.sort(key=lambda bucket: (-bucket[1], bucket[0]))
    return {
        "buckets": [{"value": value, "count": count} for value, count in frequent[:limit]],
        "otherCount": sum(count for _, count in frequent[limit:]),
    }


def _counts(agents: AgentQuerySet, path: Path) -> Counter[str]:
    if path.fixed is not None:
        count = agents.count()
        return Counter({path.fixed(): count} if count else {})
    assert path.counted is not None  # noqa: S101 - others are refused
    # Many agents have the same list, so the database returns little.
    found = agents.order_by().annotate(counted=path.counted()).values_list("counted")
    counts: Counter[str] = Counter()
    for value, count in found.annotate(count=Count("pk")):
        for text in _texts(value):
            counts[text] += count
    return counts


def _texts(value: Any) -> Iterable[str]:
    values = dict.fromkeys(value) if isinstance(value, list) else [value]
    for one in values:
        if isinstance(one, str):
            if one:
                yield one
        elif isinstance(one, bool | int | float):
            yield json.dumps(one)
