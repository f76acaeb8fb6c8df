"""Injects faults into a running registry: ``python -m tests.faults [FAULT ...]``, `make faults`."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.bed import Bed, FleetSize
from tests.faults.earlier import extract, find_earlier
from tests.faults.faults import FAULTS, Fault
from tests.faults.invariants import Breach
from tests.faults.starting import running_bed
from tests.integration.postgres_cluster import find_programs
from tests.integration.registry_process import PROJECT

BREACHES_SHOWN = 10


@dataclass
class Tally:
    survived: int = 0
    broke: int = 0
    skipped: int = 0
    lost: int = 0
    seen: set[Breach] = field(default_factory=set)

    def run(self, bed: Bed, fault: Fault) -> None:
        """Inject one fault, and print the result."""
        if reason := fault.missing(bed):
            self.skip(fault, reason)
            return
        label = _label(fault)
        began = time.monotonic()
        found = self._new(_survive(bed, fault))
        seconds = f"{time.monotonic() - began:5.1f} s"
        self.lost += sum(breach.lost for breach in found)
        if not found:
            self.survived += 1
            print(f"{label} survived {seconds}", flush=True)
            return
        self.broke += 1
        print(f"{label} BROKE    {seconds}")
        for breach in found[:BREACHES_SHOWN]:
            print(f"    {breach}")
        if len(found) > BREACHES_SHOWN:
            print(f"    and {len(found) - BREACHES_SHOWN} more")
        sys.stdout.flush()

    def skip(self, fault: Fault, reason: str) -> None:
        self.skipped += 1
        print(f"{_label(fault)} skipped: {reason}", flush=True)

    def _new(self, found: list[Breach]) -> list[Breach]:
        """Leave out breaches that were reported after an earlier fault, since they last."""
        new = [breach for breach in dict.fromkeys(found) if breach not in self.seen]
        self.seen.update(new)
        return new

    def __str__(self) -> str:
        skipped = f" ({self.skipped} skipped)" if self.skipped else ""
        return (
            f"{self.survived + self.broke} faults, {self.survived} survived, "
            f"{self.lost} acknowledged writes lost{skipped}"
        )


def _label(fault: Fault) -> str:
    return f"{fault.title:<{max(len(fault.title) for fault in FAULTS)}}"


def _survive(bed: Bed, fault: Fault) -> list[Breach]:
    """Inject a fault; return all breaches, with exceptions among them.

    The check runs at once, before new heartbeats hide lost ones, and again after the recovery.
    """
    found = []
    steps: list[Callable[[], object]] = [
        lambda: fault.inject(bed),
        lambda: found.extend(bed.check()),
        bed.settle,
        lambda: found.extend(bed.check()),
    ]
    for step in steps:
        try:
            step()
        except Exception as error:
            found.append(Breach(str(error) or type(error).__name__))
    return found


def run_upgrade(tally: Tally, fault: Fault, postgres: Path, size: FleetSize) -> None:
    if (commit := find_earlier()) is None:
        tally.skip(fault, "it needs git and the history")
        return
    with tempfile.TemporaryDirectory(prefix="registry-earlier-") as folder:
        old = extract(commit, Path(folder))
        with running_bed(postgres, size=size, code=old) as bed:
            tally.run(bed, fault)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of: {', '.join(names)}")
    parser.add_argument("--agents", type=int, default=FleetSize.steady, help="that live for ever")
    parser.add_argument("--code", type=Path, default=PROJECT, help="of the registry")
    options = parser.parse_args(arguments)
    # SIGTERM cleans up processes, network and disk, too.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    if unknown := set(options.faults) - set(names):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    postgres = find_programs()
    if postgres is None or shutil.which("redis-server") is None:
        parser.error("PostgreSQL or Redis is missing (Debian: apt install postgresql redis-server)")
    wanted = [fault for fault in FAULTS if not options.faults or fault.name in options.faults]
    size = FleetSize(steady=options.agents)
    tally = Tally()
    if here := [fault for fault in wanted if not fault.is_upgrade]:
        with running_bed(postgres, size=size, code=options.code) as bed:
            for fault in here:
                tally.run(bed, fault)
    for fault in wanted:
        if fault.is_upgrade:
            run_upgrade(tally, fault, postgres, size)
    print(tally)
    return 1 if tally.broke else 0


if __name__ == "__main__":
    sys.exit(main())
