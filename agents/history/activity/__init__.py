"""What happened, by the minute."""

from agents.history.activity.event_counts import count_events, seconds_behind
from agents.history.activity.heartbeat_counts import HeartbeatCounter
from agents.history.activity.living_counts import LivingRecorder
from agents.history.activity.recorder import ActivityRecorder
from agents.history.activity.series import Bucket, read_buckets, totals

__all__ = [
    "ActivityRecorder",
    "Bucket",
    "HeartbeatCounter",
    "LivingRecorder",
    "count_events",
    "read_buckets",
    "seconds_behind",
    "totals",
]
