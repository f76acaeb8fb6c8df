from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.admin.widgets.bars import Shape, shapes
from agents.durations import in_words
from agents.history.of_agent import History
from agents.history.timeline import ENDS, Presence, Share, Span, clip, share, spans
from agents.models import AgentEvent, AgentRecord

MAX_GAPS = 50
WINDOWS = {1: "Last day", 7: "Last 7 days", 30: "Last 30 days"}
Kind = AgentEvent.Kind


@dataclass(frozen=True)
class Window:
    """`known`: how much of the window; "" if all."""

    title: str
    days: int
    share: Share
    gaps: int
    shapes: list[Shape]
    known: str

    @property
    def percent(self) -> str:
        known = self.share.percent
        if known is None:
            return "unknown"
        return f"{known:.0f} %" if known in {0, 100} else f"{known:.2f} %"

    @property
    def in_words(self) -> str:
        if self.share.percent is None:
            return f"{self.title}: nothing is known"
        gaps = {0: "no gaps", 1: "1 gap"}.get(self.gaps, f"{self.gaps:,} gaps")
        return f"{self.title}: alive {self.percent} of the known time, {gaps}"


@dataclass(frozen=True)
class Gap:
    span: Span
    reason: str
    is_open: bool

    @property
    def duration(self) -> str:
        return in_words(self.span.duration.total_seconds())


@dataclass(frozen=True)
class Timeline:
    windows: list[Window]
    gaps: list[Gap]
    more_gaps: int
    cut_at: datetime | None


def draw(
    history: History, agent: AgentRecord | None, now: datetime, up_since: datetime | None
) -> Timeline:
    begin = now - timedelta(days=max(WINDOWS))
    in_order = history.events[::-1]
    whole = spans(in_order, agent, begin, now, up_since)
    gaps = [span for span in reversed(whole) if span.presence is Presence.GAP]
    ends = {event.at: event for event in history.events if event.kind in ENDS}
    return Timeline(
        windows=[_window(days, title, whole, now) for days, title in WINDOWS.items()],
        gaps=[
            Gap(span, _reason(ends.get(span.begin)), span.end == now) for span in gaps[:MAX_GAPS]
        ],
        more_gaps=max(len(gaps) - MAX_GAPS, 0),
        cut_at=in_order[0].at if history.is_cut and in_order[0].at > begin else None,
    )


def _window(days: int, title: str, whole: Sequence[Span], now: datetime) -> Window:
    begin = now - timedelta(days=days)
    visible = list(clip(whole, begin, now))
    alive = share(visible)
    return Window(
        title=title,
        days=days,
        share=alive,
        gaps=sum(span.presence is Presence.GAP for span in visible),
        shapes=list(shapes(visible, begin, now)),
        known=in_words(alive.known.total_seconds()) if alive.known < now - begin else "",
    )


def _reason(event: AgentEvent | None) -> str:
    if event is None:
        return "its lease ended"
    if event.kind == Kind.DEREGISTERED:
        by = f"deregistered by {event.actor}"
        return f"{by}: {event.reason}" if event.reason else by
    return f"{event.kind}: {event.reason}" if event.reason else event.kind
