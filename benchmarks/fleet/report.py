"""The report of a run."""

from collections import Counter
from collections.abc import Collection

from benchmarks.fleet import histogram
from benchmarks.fleet.accounting import Costs
from benchmarks.fleet.tally import Tally

NAMES = 5


def report(tally: Tally, costs: Costs | None, beats: int, *, is_over: bool = True) -> str:
    """Return the report. `costs` were measured while `beats` heartbeats were sent."""
    verdict = "clean" if tally.is_clean else "FAILED"
    lines = [
        f"heartbeats       {tally.heartbeats:,}; {histogram.line(tally.latencies)}",
        histogram.text(tally.latencies),
        f"answers          {_answers(tally.answers)}",
        f"bad clients      {_answers(tally.asked_for)}",
        f"deaths           {_deaths(tally)}",
        f"restarts, stops  {tally.restarts:,}, {tally.stops:,}",
        f"listings read    {tally.listings:,}",
        *_costs(costs, beats),
        f"errors           {_counted(tally.errors)}",
        f"false expiries   {_named(tally.false_expiries)}",
        f"missed deaths    {_named(tally.missed_deaths)}",
        f"not renewed in time  {_named(tally.lapsed)}",
        f"verdict          {verdict if is_over else f'interrupted; so far {verdict}'}",
    ]
    return "\n".join(line for line in lines if line)


def _answers(answers: Counter[tuple[str, int]]) -> str:
    told = (
        f"{what} {status or 'no answer'}: {count:,}"
        for (what, status), count in sorted(answers.items())
    )
    return ", ".join(told) or "none"


def _deaths(tally: Tally) -> str:
    if not tally.lateness:
        return "none"
    latest = tally.latest_death * 1000
    return f"{len(tally.lateness):,} seen, the latest {latest:.0f} ms after the end of its lease"


def _costs(costs: Costs | None, beats: int) -> list[str]:
    if costs is None or not beats:
        return []

    def cpu(seconds: float | None) -> str:
        if seconds is None:
            return "not measured"
        return f"{seconds / beats * 1000:.3f} CPU s per 1,000 heartbeats, all else included"

    wal = "not measured" if costs.wal is None else f"{costs.wal / beats:,.0f} bytes per heartbeat"
    return [
        f"server           {cpu(costs.server)}",
        f"database         {cpu(costs.database)}",
        f"this client      {cpu(costs.client)}",
        f"database's log   {wal}",
    ]


def _counted(errors: Counter[str]) -> str:
    return ", ".join(f"{what}: {count:,}" for what, count in errors.most_common()) or "none"


def _named(agents: Collection[str]) -> str:
    if not agents:
        return "none"
    more = ", ..." if len(agents) > NAMES else ""
    return f"{len(agents):,}: {', '.join(sorted(agents)[:NAMES])}{more}"
