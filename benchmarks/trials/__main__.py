"""Tries the agents in benchmarks/trials/agents, one after the other, and prints a table.

``--write`` writes it to docs/trials.md. Exits with 1 if an agent does not work.
"""

import argparse
import datetime
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.trials.calls import CALLS
from benchmarks.trials.trial import Trial, try_agent
from tests.docker import engine
from tests.docker.base_image import base_image
from tests.integration.registry_process import PROJECT, environment_for, ready_registry

PAGE = PROJECT / "docs" / "trials.md"
TABLE = re.compile(r"(?s)(?<=<!-- the trials -->\n\n).*?(?=\n<!-- end of the trials -->)")
LONGEST_PROBLEM = 200
MB = 1_000_000


def main() -> int:
    given = _arguments()
    if not engine.answers():
        print("make trials needs a running Docker engine", file=sys.stderr)
        return 1
    trials = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = base_image()
        environment = environment_for(folder, TERM="dumb")
        with ready_registry(folder, environment) as registry:
            for each in given.agents or CALLS:
                trial = try_agent(each, CALLS[each], base, registry, folder / "agents" / each)
                print(_row(trial), flush=True)
                if trial.problem:
                    print(trial.problem, file=sys.stderr, flush=True)
                trials.append(trial)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: _report(trials, base), page), encoding="utf-8")
    return 1 if any(trial.problem for trial in trials) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make trials", description=__doc__)
    parser.add_argument("agents", nargs="*", type=_known, help=f"only these of {', '.join(CALLS)}")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    return parser.parse_args()


def _known(name: str) -> str:
    if name not in CALLS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(CALLS)}")
    return name


def _report(trials: Iterable[Trial], base: str) -> str:
    today = datetime.datetime.now(datetime.UTC).strftime("%d %B %Y").lstrip("0")
    load = os.getloadavg()[2]
    machine = (
        f"{today}, {describe()}, base image `{base}`. The load of the machine in the last quarter "
        f"of an hour was {load:.1f}."
    )
    lines = [
        machine,
        "",
        "| agent | packages | image | gzipped | registered after | works |",
        "|---|---|---|---|---|---|",
        *map(_row, trials),
    ]
    return "".join(f"{line}\n" for line in lines)


def _row(trial: Trial) -> str:
    call = CALLS[trial.name]
    versions = trial.versions.split()
    packages = ", ".join(
        f"{name} {version}" for name, version in zip(call.packages, versions, strict=False)
    )
    plain, gzipped = trial.size
    cells = [
        f"[{trial.name}](../benchmarks/trials/agents/{trial.name})",
        packages or ", ".join(call.packages),
        f"{plain / MB:.1f} MB" if plain else "",
        f"{gzipped / MB:.1f} MB" if gzipped else "",
        f"{trial.registered:.2f} s" if trial.registered else "",
        _works(trial, call.remark),
    ]
    return f"| {' | '.join(cells)} |"


def _works(trial: Trial, remark: str) -> str:
    if trial.problem:
        return f"no: {' '.join(trial.problem.split())[:LONGEST_PROBLEM]}".replace("|", r"\|")
    return f"yes; {remark}" if remark else "yes"


if __name__ == "__main__":
    sys.exit(main())
