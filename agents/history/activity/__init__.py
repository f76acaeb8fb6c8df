"""What happened, by the minute: heartbeats, registrations, deregistrations, expiries.

Whoever shows it reads a row for each minute, however many agents there are.
"""

from agents.activity.events import count_events, recount_day
from agents.activity.heartbeats import HeartbeatTally
from agents.activity.keeping import Keeper
from agents.activity.reading import Bucket, in_buckets, read_minutes
from agents.activity.trimming import trim_activity

__all__ = [
    "Bucket",
    "HeartbeatTally",
    "Keeper",
    "count_events",
    "in_buckets",
    "read_minutes",
    "recount_day",
    "trim_activity",
]
