"""The last count of the fleet, shared by all who only show it."""

import time
from collections.abc import Sequence
from dataclasses import replace

from agents.database.dialect import dialect
from agents.leases.fleet.budget import READERS_SHARE
from agents.leases.fleet.count import Count, Group, count_fleet
from agents.leases.fleet.shared_row import SharedRow
from agents.leases.fleet.troubled import Troubled, find_troubled
from agents.models import LastCount

LARGE = 10_000  # agents
shared = SharedRow(LastCount.objects, READERS_SHARE)


def recent_count() -> Count:
    """Count a small fleet. One process at a time counts a large one for all."""
    last = shared.read()
    if last is None:
        count = count_fleet()
        return _keep(count) if count.registered >= LARGE else count
    if shared.must_count(last):
        return count_for_all()
    groups = [Group(*group) for group in last.groups]
    troubled = [Troubled(*one) for one in last.troubled]
    return Count(groups, last.seconds, last.at, last.age, troubled)


def count_for_all() -> Count:
    with dialect.in_one_process():
        count = count_fleet()
        if count.registered >= LARGE:
            return _keep(count)
    shared.forget()
    return count


def troubled_agents(count: Count) -> Sequence[Troubled]:
    """Return the worst agents at the time of a count, or now if the fleet is small."""
    return find_troubled() if count.troubled is None else count.troubled


def _keep(count: Count) -> Count:
    began = time.monotonic()
    troubled = find_troubled()
    seconds = count.seconds + time.monotonic() - began
    shared.keep(seconds, groups=count.groups, troubled=troubled)
    return replace(count, seconds=seconds, troubled=troubled)
