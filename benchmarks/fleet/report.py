"""The report of a run."""

from collections import Counter
from collections.abc import Collection

from benchmarks.fleet import histogram
from benchmarks.fleet.costs import Costs
from benchmarks.fleet.results import Results

NAMES = 5


def report(results: Results, costs: Costs | None, beats: int, *, is_over: bool = True) -> str:
    """Return the report. `costs` were measured while `beats` heartbeats were sent."""
    verdict = "clean" if results.is_clean else "FAILED"
    lines = [
        f"heartbeats       {len(results.latencies):,}; {histogram.line(results.latencies)}",
        histogram.text(results.latencies),
        *_bulk(results),
        f"responses        {_responses(results.responses)}",
        f"bad clients      {_responses(results.bad_client_responses)}",
        f"deaths           {_deaths(results)}",
        f"restarts, stops  {results.restarts:,}, {results.stops:,}",
        f"listings read    {_listings(results)}",
        *_costs(costs, beats),
        f"errors           {_counted(results.errors)}",
        f"false expiries   {_named(results.false_expiries)}",
        f"missed deaths    {_named(results.missed_deaths)}",
        f"not renewed in time  {_named(results.lapsed)}",
        f"verdict          {verdict if is_over else f'interrupted; so far {verdict}'}",
    ]
    return "\n".join(line for line in lines if line)


def _responses(responses: Counter[tuple[str, int]]) -> str:
    counts = (
        f"{what} {status or 'no response'}: {count:,}"
        for (what, status), count in sorted(responses.items())
    )
    return ", ".join(counts) or "none"


def _bulk(results: Results) -> list[str]:
    if not results.relayed:
        return []
    calls = f"{len(results.bulk_latencies):,} calls; {histogram.line(results.bulk_latencies)}"
    return [f"by relays        {results.relayed:,} heartbeats in {calls}"]


def _listings(results: Results) -> str:
    if not results.listings:
        return "none"
    return f"{results.listings:,}, the longest in {results.longest_listing:.1f} s"


def _deaths(results: Results) -> str:
    if not results.death_delays:
        return "none"
    latest = results.longest_death_delay * 1000
    return (
        f"{len(results.death_delays):,} seen, the latest {latest:.0f} ms after the end of its lease"
    )


def _costs(costs: Costs | None, beats: int) -> list[str]:
    if costs is None or not beats:
        return []

    def cpu(seconds: float | None) -> str:
        if seconds is None:
            return "not measured"
        return f"{seconds / beats * 1000:.3f} CPU s per 1,000 heartbeats, including all other work"

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
