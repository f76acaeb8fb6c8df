"""The open loop's figures as a table."""

from collections.abc import Iterable

from benchmarks.heartbeats.open_loop.figures import Row

HEADINGS = (
    "contestant",
    "per second",
    "connections",
    "CPU s per 1,000",
    "database",
    "p50 ms",
    "p99 ms",
    "generator's CPU s",
    "notes",
)


def rows(measured: Iterable[Row]) -> list[tuple[str, ...]]:
    table: list[tuple[str, ...]] = []
    for row in measured:
        key = (row.name, f"{row.rate:,}", row.connections)
        if (seen := row.seen) is None:
            table.append((*key, "", "", "", "", "", "not tried: too slow at a lower rate"))
        else:
            cpu = ["" if part is None else f"{part:.4f}" for part in (seen.cpu, seen.database)]
            latencies = (f"{seen.p50:.2f}", f"{seen.p99:.2f}")
            table.append((*key, *cpu, *latencies, f"{seen.own_cpu:.4f}", seen.notes))
    return table
