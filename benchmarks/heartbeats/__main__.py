"""Compares the cost of a heartbeat with that of other systems.

    make bench              # about four minutes
    make bench WRITE=1      # also writes the figures into docs/performance.md

Each server runs on one core with its database; the client runs on another, if there are two. Exits
with 1 if a ratio is above its limit, if a contestant responds wrongly, or, with --require-all, if
one is missing.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.cores import on_core, two_cores
from benchmarks.heartbeats import chart, performance_page, table
from benchmarks.heartbeats.contestants import SETUPS, Contestant, Workspace
from benchmarks.heartbeats.measurement import Figures, WrongResponses, measure, medians
from benchmarks.heartbeats.ratios import Ratio, ratios
from benchmarks.programs import PROJECT, DidNotStart, Missing

TITLE = "CPU seconds of server and database per 1,000 heartbeats"
OURS = ("fast", "drf", "bulk")


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        contestants, measured = _compare(options)
    except (WrongResponses, DidNotStart) as error:
        sys.exit(str(error))
    found = ratios(measured)
    print()
    print(table.plain(table.rows(contestants, measured)), "\n", sep="")
    print("\n".join(ratio.verdict for ratio in found), "\n", sep="")
    print("\n".join(ratio.line for ratio in found))
    if options.write:
        _write(contestants, measured, found, options)
    missing = options.require_all and any(ratio.value is None for ratio in found)
    sys.exit(missing or any(ratio.exceeds_limit for ratio in found))


def _compare(options: argparse.Namespace) -> tuple[list[Contestant], dict[str, Figures]]:
    server_core, client_core = two_cores()
    apart = "" if server_core != client_core else "; there is but one core, the client shares it"
    print(f"{machine.describe()}{apart}", flush=True)
    with ExitStack() as stack:
        contestants = _enter_all(stack, options, server_core)
        figures: dict[str, list[Figures]] = {one.name: [] for one in contestants}
        for number in range(1, options.rounds + 1):
            for one in contestants:
                seen = measure(one, options.duration, client_core)
                figures[one.name].append(seen)
                print(
                    f"round {number} of {options.rounds}  {one.name:<20} {seen.cpu:8.4f} CPU s "
                    f"per 1,000  {seen.per_second:8,.0f}/s  p99 {seen.p99:7.1f} ms",
                    flush=True,
                )
    return contestants, {name: medians(rounds) for name, rounds in figures.items()}


def _enter_all(stack: ExitStack, options: argparse.Namespace, server_core: int) -> list[Contestant]:
    contestants: list[Contestant] = []
    # Readable by all, since PostgreSQL may run as another user.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-bench-")))
    folder.chmod(0o755)
    for name in options.only or SETUPS:
        own = folder / name
        own.mkdir()
        try:
            with on_core(server_core):
                contestants += stack.enter_context(
                    SETUPS[name](Workspace(own, options.environments, options.agents))
                )
        except Missing as error:
            print(f"Left out: {name}, {error}", flush=True)
    return contestants


def _write(
    contestants: Sequence[Contestant],
    measured: dict[str, Figures],
    found: Sequence[Ratio],
    options: argparse.Namespace,
) -> None:
    bars = [
        (one.name, measured[one.name].cpu, one.name.startswith(OURS))
        for one in contestants
        if one.name in measured
    ]
    bars.sort(key=lambda bar: bar[1])
    how = f"{options.rounds} rounds of {options.duration:g} s, the median of each figure"
    parts = (
        f"{performance_page.today()}; {machine.describe()}; {how}.",
        table.markdown(table.rows(contestants, measured)),
        table.markdown_ratios(found),
    )
    performance_page.write("\n\n".join(parts), chart.svg(TITLE, bars))
    written = (performance_page.PAGE, performance_page.PICTURE)
    print(f"\nWritten: {', '.join(str(path.relative_to(PROJECT)) for path in written)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--agents", type=int, default=10_000, help="how many each has")
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
