"""What happened, by the minute: heartbeats, registrations, deregistrations, expiries.

Whoever shows it reads a row for each minute, however many agents there are.
"""

from agents.history.activity.event_counts import count_events
from agents.history.activity.heartbeat_counts import HeartbeatTally
from agents.history.activity.recorder import Keeper
from agents.history.activity.series import Bucket, in_buckets, read_minutes

__all__ = [
    "Bucket",
    "HeartbeatTally",
    "Keeper",
    "count_events",
    "in_buckets",
    "read_minutes",
]
