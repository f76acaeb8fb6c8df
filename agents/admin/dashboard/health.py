import time
from dataclasses import dataclass, field
from datetime import datetime

from agents.admin.dashboard.broker import BrokerReport, report_broker
from agents.admin.widgets.cells import counted
from agents.attention import Problem
from agents.database.clock import database_now
from agents.database.dialect import dialect
from agents.leases.purge.sweep_mark import SweepReport, report_sweeps
from agents.models import AgentRecord
from agents.notifications.report import failing_channels
from agents.states import Level

# Milliseconds. Shown as "under" one of these, the latency changes rarely.
LATENCIES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SLOW = 100
MOST_NAMED = 5
OK, WARN, BAD, HOLD = Level.OK, Level.WARN, Level.BAD, Level.HOLD


@dataclass(frozen=True)
class Part:
    """`at` ends the detail. `measured` varies, so comparisons and ETags ignore it."""

    name: str
    word: str
    level: Level
    detail: str = ""
    at: datetime | None = None
    measured: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Trouble:
    problem: Problem
    text: str
    since: datetime | None = None


@dataclass(frozen=True)
class Health:
    now: datetime
    sweeps: SweepReport
    parts: list[Part] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def report_health(*, with_numbers: bool) -> Health:
    broker = report_broker()
    began = time.perf_counter()
    sweeps = report_sweeps()
    database = _database(time.perf_counter() - began, with_numbers=with_numbers)
    now = sweeps.read_at or database_now()
    parts = [_sweeper(sweeps, with_numbers=with_numbers), _worker(sweeps, broker)]
    troubles = [*_troubles(sweeps, broker), *_channel_troubles(now, with_names=with_numbers)]
    return Health(now, sweeps, [*parts, _broker(broker), database], troubles)


def _sweeper(sweeps: SweepReport, *, with_numbers: bool) -> Part:
    if sweeps.last_purge is None:
        word, level = ("overdue", BAD) if sweeps.overdue else ("starting", WARN)
        return Part("Sweeper", word, level, "No sweep yet.")
    done = f"{sweeps.purged:,} purged, {sweeps.held:,} held. " if with_numbers else ""
    word, level = ("on time", OK)
    if sweeps.overdue:
        word, level = ("overdue", BAD)
    elif sweeps.held:
        word, level = ("holding", HOLD)
    return Part("Sweeper", word, level, f"{done}Last sweep", sweeps.last_purge)


def _worker(sweeps: SweepReport, broker: BrokerReport) -> Part:
    if not sweeps.overdue:
        detail = "Sweeps on time." if sweeps.last_purge else "The first sweep is still to come."
        return Part("Worker", "running" if sweeps.last_purge else "starting", OK, detail)
    if broker.responds:
        return Part("Worker", "down", BAD, "The broker responds, but nothing sweeps.")
    return Part("Worker", "unknown", WARN, "It gets no work without the broker.")


def _broker(broker: BrokerReport) -> Part:
    if broker.responds:
        return Part("Broker", "up", OK, f"{broker.transport}.")
    return Part("Broker", "down", BAD, f"{broker.transport}: {broker.reason}.")


def _database(seconds: float, *, with_numbers: bool) -> Part:
    """`seconds`: how long a query took."""
    milliseconds = seconds * 1000
    level = OK if milliseconds < SLOW else WARN
    most = next((step for step in LATENCIES if milliseconds < step), None)
    took = f"in under {most} ms" if most else "in over a second"
    size = f" {_size()}." if with_numbers else ""
    word = "up" if level == OK else "slow"
    return Part("Database", word, level, f"{dialect.name}.{size}", measured=f"Responded {took}.")


def _size() -> str:
    size = dialect.size_on_disk(AgentRecord)
    return "In memory" if size is None else f"{in_bytes(size)} on disk"


def in_bytes(size: int) -> str:
    value = size / 1000
    for unit in ("kB", "MB", "GB"):
        if value < 999.5:  # noqa: PLR2004
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"  # noqa: PLR2004
        value /= 1000
    return f"{value:.1f} TB"


def _channel_troubles(now: datetime, *, with_names: bool) -> list[Trouble]:
    names = failing_channels(now)
    if not names:
        return []
    more = f": {', '.join(names[:MOST_NAMED])}{', ...' if len(names) > MOST_NAMED else ''}"
    text = f"notifications do not reach {counted(len(names), 'channel')}"
    return [Trouble(Problem.CHANNELS_FAILING, f"{text}{more if with_names else ''}")]


def _troubles(sweeps: SweepReport, broker: BrokerReport) -> list[Trouble]:
    last = sweeps.last_purge
    troubles = []
    if not broker.responds:
        text = f"the worker gets no work from the broker ({broker.transport}): {broker.reason}"
        troubles.append(Trouble(Problem.BROKER_DOWN, text))
    if sweeps.overdue:
        why = "the worker is down" if broker.responds else "the broker is down"
        never = "" if last else "; there has been no sweep yet"
        text = f"{why}, so nothing purges expired agents, which are not listed{never}"
        troubles.append(Trouble(Problem.SWEEP_OVERDUE, text, last))
    return troubles
