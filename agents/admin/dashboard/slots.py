"""A stretch of the chart of the living: its numbers, and the history of its time."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from agents.admin.dashboard.spans import Span
from agents.history.activity import Bucket


@dataclass(frozen=True)
class Slot:
    """`history`: the URL of all events."""

    bucket: Bucket
    span: Span
    is_last: bool
    history: str

    @property
    def end(self) -> datetime:
        return self.bucket.begin + self.span.slot

    @cached_property
    def url(self) -> str:
        """Of the history of its time."""
        query = {"at__gte": self.bucket.begin.isoformat(), "at__lt": self.end.isoformat()}
        return f"{self.history}?{urlencode(query)}"

    @cached_property
    def times(self) -> str:
        end = "now" if self.is_last else self.span.words(self.end)
        return f"{self.span.words(self.bucket.begin)} to {end}"

    @cached_property
    def alive(self) -> str:
        low, high = self.bucket.lowest, self.bucket.highest
        if low is None:
            return "unknown"
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    @property
    def title(self) -> str:
        one = self.bucket
        return (
            f"{self.times}: {self.alive} alive; deaths {one.expiries:,}; restarts {one.restarts:,};"
            f" stopped {one.deregistrations:,}; heartbeats {one.heartbeats:,}"
        )
