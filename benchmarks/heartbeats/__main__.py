"""Compares the cost of a heartbeat with that of other systems.

    make bench              # about ten minutes
    make bench LOOP=open    # heartbeats at a given rate only: about five minutes
    make bench WRITE=1      # also writes the figures into docs/performance.md

Each server runs on one core with its database; the client runs on another, if there are two. Exits
with 1 if a ratio is above its limit, if our registry responds wrongly, or, with --require-all, if
another is missing. A round in which another responds wrongly is left out.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.cores import two_cores
from benchmarks.heartbeats import chart, performance_page, table
from benchmarks.heartbeats.contestants import (
    HEARTBEATS,
    REGISTRATIONS,
    SETUPS,
    Contestant,
    Workspace,
)
from benchmarks.heartbeats.entrants import enter_all
from benchmarks.heartbeats.measurement import Figures, WrongResponses, measure, medians
from benchmarks.heartbeats.open_loop import comparison as open_loop
from benchmarks.heartbeats.open_loop import table as open_table
from benchmarks.heartbeats.open_loop.figures import Row
from benchmarks.heartbeats.ratios import Ratio, ratios
from benchmarks.programs import PROJECT, DidNotStart

TITLE = "CPU seconds of server and database per 1,000 heartbeats"
OURS = ("fast", "drf", "bulk", "register-32", "register-256")


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = two_cores()
    apart = "" if cores[0] != cores[1] else "; there is but one core, the client shares it"
    print(f"{machine.describe()}{apart}", flush=True)
    try:
        contestants, measured = _compare(options, cores) if options.loop != "open" else ([], {})
        open_rows = _compare_open(options, cores) if options.loop != "closed" else []
    except (WrongResponses, DidNotStart) as error:
        sys.exit(str(error))
    found = ratios(measured, open_rows)
    print()
    if measured:
        for counts in (HEARTBEATS, REGISTRATIONS):
            rows = table.rows(contestants, measured, counts)
            print(table.plain(rows, table.headings(counts)), "\n", sep="")
    if open_rows:
        print(table.plain(open_table.rows(open_rows), open_table.HEADINGS), "\n", sep="")
    print("\n".join(ratio.verdict for ratio in found), "\n", sep="")
    print("\n".join(ratio.line for ratio in found))
    if options.write and measured:
        _write_closed(contestants, measured, found, options)
    if options.write and open_rows:
        _write_open(open_rows, found, options)
    missing = options.require_all and any(ratio.value is None for ratio in found)
    sys.exit(missing or any(ratio.exceeds_limit for ratio in found))


def _compare(
    options: argparse.Namespace, cores: tuple[int, int]
) -> tuple[list[Contestant], dict[str, Figures]]:
    server_core, client_core = cores
    with ExitStack() as stack:
        contestants = enter_all(stack, options.only or SETUPS, _workspaces(options), server_core)
        figures: dict[str, list[Figures]] = {one.name: [] for one in contestants}
        for number in range(1, options.rounds + 1):
            for one in contestants:
                print(f"round {number} of {options.rounds}  {one.name:<20} ", end="", flush=True)
                try:
                    seen = measure(one, options.duration, client_core)
                except WrongResponses as error:
                    if one.name.startswith(OURS):
                        raise
                    print(f"left out: {error}", flush=True)
                    continue
                figures[one.name].append(seen)
                print(
                    f"{seen.cpu:8.4f} CPU s per 1,000  {seen.per_second:8,.0f}/s"
                    f"  p99 {seen.p99:7.1f} ms",
                    flush=True,
                )
    return contestants, {name: medians(rounds) for name, rounds in figures.items() if rounds}


def _compare_open(options: argparse.Namespace, cores: tuple[int, int]) -> list[Row]:
    only = options.only or SETUPS
    setups = [name for name in open_loop.SETUPS if name in only]
    with ExitStack() as stack:
        workspaces = _workspaces(options, open_loop.WEB_PROCESSES)
        contestants = enter_all(stack, setups, workspaces, cores[0])
        return open_loop.compare(
            contestants,
            cores[1],
            options.agents,
            options.rates,
            seconds=options.open_duration,
            kept=options.kept,
        )


def _workspaces(options: argparse.Namespace, web_processes: int = 1) -> Callable[[Path], Workspace]:
    return lambda folder: Workspace(folder, options.environments, options.agents, web_processes)


def _write_closed(
    contestants: Sequence[Contestant],
    measured: dict[str, Figures],
    found: Sequence[Ratio],
    options: argparse.Namespace,
) -> None:
    bars = [
        (one.name, measured[one.name].cpu, one.name.startswith(OURS))
        for one in contestants
        if one.name in measured and one.counts == HEARTBEATS
    ]
    bars.sort(key=lambda bar: bar[1])
    how = f"{options.rounds} rounds of {options.duration:g} s, the median of each figure"
    parts = (
        f"{performance_page.today()}; {machine.describe()}; {how}.",
        *(
            table.markdown(table.rows(contestants, measured, counts), table.headings(counts))
            for counts in (HEARTBEATS, REGISTRATIONS)
        ),
        table.markdown_ratios([one for one in found if not one.is_open]),
    )
    performance_page.write(performance_page.CLOSED_LOOP, "\n\n".join(parts))
    performance_page.write_picture(chart.svg(TITLE, bars))


def _write_open(rows: Sequence[Row], found: Sequence[Ratio], options: argparse.Namespace) -> None:
    how = f"one run of {options.open_duration:g} s each"
    parts = (
        f"{performance_page.today()}; {machine.describe()}; {how}.",
        table.markdown(open_table.rows(rows), open_table.HEADINGS),
        table.markdown_ratios([one for one in found if one.is_open]),
    )
    performance_page.write(performance_page.OPEN_LOOP, "\n\n".join(parts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--agents", type=int, default=10_000, help="how many each has")
    parser.add_argument("--loop", choices=("closed", "open"), help="leave out the other")
    parser.add_argument(
        "--rates",
        type=int,
        nargs="*",
        default=open_loop.RATES,
        help="heartbeats per second in open loop",
    )
    parser.add_argument(
        "--open-duration", type=float, default=5.0, help="seconds of a run in open loop"
    )
    parser.add_argument(
        "--kept",
        type=int,
        default=open_loop.KEPT_CONNECTIONS,
        help="connections in open loop, where they are kept",
    )
    parser.add_argument("--only", nargs="*", choices=list(SETUPS), help="leave out the others")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument(
        "--require-all", action="store_true", help="fail when a contestant is missing"
    )
    parser.add_argument(
        "--environments",
        type=Path,
        default=PROJECT / "var" / "benchmarks",
        help="where the peers' packages are installed",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
