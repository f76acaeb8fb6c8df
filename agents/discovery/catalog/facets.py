import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from agents.discovery.catalog.paths import Counts
from agents.querysets import AgentQuerySet


def facet(agents: AgentQuerySet, counts: Counts, *, limit: int, min_count: int) -> dict[str, Any]:
    """Return the most frequent values. An agent counts for each value of its list."""
    found = _counts(agents, counts)
    frequent = [(value, count) for value, count in found.items() if count >= min_count]
    frequent.sort(key=lambda bucket: (-bucket[1], bucket[0]))
    return {
        "buckets": [{"value": value, "count": count} for value, count in frequent[:limit]],
        "otherCount": sum(count for _, count in frequent[limit:]),
    }


def _counts(agents: AgentQuerySet, counts: Counts) -> Counter[str]:
    found: Counter[str] = Counter()
    for value, count in counts(agents):
        for text in _texts(value):
            found[text] += count
    return found


def _texts(value: Any) -> Iterable[str]:
    values = dict.fromkeys(value) if isinstance(value, list) else [value]
    for one in values:
        if isinstance(one, str):
            if one:
                yield one
        elif isinstance(one, bool | int | float):
            yield json.dumps(one)
