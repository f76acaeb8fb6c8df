"""What happened, by the minute."""

from agents.history.activity.event_counts import count_events, seconds_behind
from agents.history.activity.heartbeat_counts import HeartbeatCounter
from agents.history.activity.recorder import ActivityRecorder
from agents.history.activity.series import Bucket, in_buckets, read_minutes

__all__ = [
    "ActivityRecorder",
    "Bucket",
    "HeartbeatCounter",
    "count_events",
    "in_buckets",
    "read_minutes",
    "seconds_behind",
]
