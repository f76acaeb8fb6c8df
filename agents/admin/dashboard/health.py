"""How the registry itself is: its database, its broker, its sweeps, and so its worker."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import connection

from agents.admin.dashboard.broker import BrokerReport, report_broker
from agents.database.clock import database_now
from agents.leases.purge.sweep_mark import SweepReport, report_sweeps
from agents.models import AgentRecord
from agents.states import Level

VENDORS = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
# Milliseconds: what the database takes to say what time it is, is told as one of these.
LATENCIES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SLOW = 100
OK, WARN, BAD, HOLD = Level.OK, Level.WARN, Level.BAD, Level.HOLD


@dataclass(frozen=True)
class Part:
    """A part of the registry: how it is, in a word, and what that is known by.

    `level` names the colour; `at` is a moment that the detail ends with. What was `measured` is a
    little different each time, and no news: it is no part of how two of them are told apart.
    """

    name: str
    word: str
    level: Level
    detail: str = ""
    at: datetime | None = None
    measured: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Trouble:
    """Something for a banner: what it is, what follows from it, and what to look at."""

    key: str
    title: str
    text: str
    since: datetime | None = None


@dataclass(frozen=True)
class Health:
    """The parts, and what is wrong; `now` is the database's time."""

    now: datetime
    sweeps: SweepReport
    parts: list[Part] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def report_health(*, with_numbers: bool) -> Health:
    """Look at all parts. `with_numbers`: whether how many agents there are may be known."""
    sweeps, broker = report_sweeps(), report_broker()
    now, database = _database(with_numbers=with_numbers)
    parts = [_sweeper(sweeps, with_numbers=with_numbers), _worker(sweeps, broker)]
    return Health(now, sweeps, [*parts, _broker(broker), database], _troubles(sweeps, broker))


def _sweeper(sweeps: SweepReport, *, with_numbers: bool) -> Part:
    if sweeps.last_purge is None:
        word, level = ("overdue", BAD) if sweeps.overdue else ("starting", WARN)
        return Part("Sweeper", word, level, "It has not swept yet.")
    done = f"{sweeps.purged:,} purged, {sweeps.held:,} held. " if with_numbers else ""
    word, level = ("on time", OK)
    if sweeps.overdue:
        word, level = ("overdue", BAD)
    elif sweeps.held:
        word, level = ("holding", HOLD)
    return Part("Sweeper", word, level, f"{done}Last sweep", sweeps.last_purge)


def _worker(sweeps: SweepReport, broker: BrokerReport) -> Part:
    if not sweeps.overdue:
        detail = "It sweeps." if sweeps.last_purge else "It is about to sweep."
        return Part("Worker", "at work" if sweeps.last_purge else "starting", OK, detail)
    if broker.answers:
        return Part("Worker", "away", BAD, "The broker answers, but nobody sweeps.")
    return Part("Worker", "unknown", WARN, "Without the broker it gets no work.")


def _broker(broker: BrokerReport) -> Part:
    if broker.answers:
        return Part("Broker", "answers", OK, f"{broker.transport}.")
    return Part("Broker", "away", BAD, f"{broker.transport}: {broker.reason}.")


def _database(*, with_numbers: bool) -> tuple[datetime, Part]:
    began = time.perf_counter()
    now = database_now()
    milliseconds = (time.perf_counter() - began) * 1000
    level = OK if milliseconds < SLOW else WARN
    most = next((step for step in LATENCIES if milliseconds < step), None)
    took = f"in under {most} ms" if most else "in over a second"
    vendor = VENDORS.get(connection.vendor, connection.vendor)
    size = f" {_size()}." if with_numbers else ""
    word = "answers" if level == OK else "slow"
    return now, Part(
        "Database", word, level, f"{vendor}.{size}", measured=f"Asked, it answered {took}."
    )


def _size() -> str:
    """Return how much the fleet takes, where the database keeps it apart, else all of it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(AgentRecord._meta.db_table)  # noqa: SLF001
            cursor.execute("SELECT PG_TOTAL_RELATION_SIZE(%s)", [table])
            return f"The fleet takes {in_bytes(cursor.fetchone()[0])}"
    path = Path(str(connection.settings_dict["NAME"]))
    return f"Its file has {in_bytes(path.stat().st_size)}" if path.is_file() else "In memory"


def in_bytes(size: int) -> str:
    """Return a size in two digits or three: "840 kB", "1.2 MB", "23 GB"."""
    value = size / 1000
    for unit in ("kB", "MB", "GB"):
        if value < 999.5:  # noqa: PLR2004
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"  # noqa: PLR2004
        value /= 1000
    return f"{value:.1f} TB"


def _troubles(sweeps: SweepReport, broker: BrokerReport) -> list[Trouble]:
    follows = (
        "Agents that have expired are shown as expired and not listed, but nothing purges them."
    )
    last = sweeps.last_purge
    troubles = []
    if not broker.answers:
        text = f"The broker ({broker.transport}) gives no work to the worker: {broker.reason}."
        troubles.append(Trouble("broker", "The broker is away", text))
    if sweeps.overdue:
        ran = "The last sweep was" if last else "There has been none yet."
        if broker.answers:
            title = "The worker is away, and the sweep overdue"
            text = f"{follows} The broker answers: do the worker and beat run? {ran}"
        else:
            title, text = "The sweep is overdue", f"{follows} {ran}"
        troubles.append(Trouble("sweep", title, text, last))
    return troubles
