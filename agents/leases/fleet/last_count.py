"""The last count of the fleet, shared by all who only show it."""

from agents.database.dialect import dialect
from agents.leases.fleet.budget import READERS_SHARE
from agents.leases.fleet.count import Count, Group, count_fleet
from agents.leases.fleet.shared_row import SharedRow
from agents.models import LastCount

LARGE = 10_000  # agents
shared = SharedRow(LastCount.objects, READERS_SHARE)


def recent_count() -> Count:
    """Count a small fleet. One process at a time counts a large one for all."""
    last = shared.read()
    if last is None:
        count = count_fleet()
        if count.registered >= LARGE:
            shared.keep(count.groups, count.seconds)
        return count
    if shared.must_count(last):
        return count_for_all()
    return Count([Group(*group) for group in last.groups], last.seconds, last.at, last.age)


def count_for_all() -> Count:
    with dialect.in_one_process():
        count = count_fleet()
    if count.registered >= LARGE:
        shared.keep(count.groups, count.seconds)
    else:
        shared.forget()
    return count
