"""Counts agents by tag: a look at the whole fleet, so what takes long is shared."""

import time
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, Value

from agents.database.clock import HasExpired
from agents.database.dialect import dialect
from agents.database.expressions import ListContains
from agents.leases.fleet.budget import TAGS_SHARE
from agents.leases.fleet.shared_row import SharedRow
from agents.models import AgentRecord, LastTagCount

LONG_SECONDS = 0.05
shared = SharedRow(LastTagCount.objects, TAGS_SHARE)


class TagCount(NamedTuple):
    alive: int
    expired: int


def recent_tag_counts(tags: Collection[str]) -> Mapping[str, TagCount]:
    """Return counts of all `tags`. They may be up to a minute old."""
    if not tags:
        return {}
    last = shared.read()
    if last is not None and set(tags) <= set(last.groups) and not shared.must_count(last):
        return {tag: TagCount(*last.groups[tag]) for tag in tags}
    began = time.monotonic()
    with dialect.in_one_process():
        counts = count_tags(tags)
    seconds = time.monotonic() - began
    if seconds > LONG_SECONDS:
        shared.keep(seconds, groups=counts)
    elif last is not None:
        shared.forget()
    return counts


def count_tags(tags: Collection[str]) -> Mapping[str, TagCount]:
    numbers = {
        f"number_{place}": Count("pk", filter=Q(ListContains(F("tags"), Value(tag))))
        for place, tag in enumerate(tags)
    }
    by_lease: Any = (
        AgentRecord.objects.order_by().values(has_expired=HasExpired()).annotate(**numbers)
    )
    rows = {bool(row["has_expired"]): row for row in by_lease}
    return {
        tag: TagCount(*(rows[expired][name] if expired in rows else 0 for expired in (False, True)))
        for name, tag in zip(numbers, tags, strict=True)
    }
