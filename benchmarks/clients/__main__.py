"""Calls two agents with each client of benchmarks/clients, and prints a table of what they show.

``--write`` writes it to docs/a2a.md. Exits with 1 if a client shows something else than expected.
Needs the network for the clients' packages.
"""

import argparse
import datetime
import re
import sys
from collections.abc import Mapping

from benchmarks.clients.clients import CLIENTS
from benchmarks.clients.trial import Trial, try_client
from tests.integration.registry_process import PROJECT

PAGE = PROJECT / "docs" / "a2a.md"
TABLE = re.compile(r"(?s)(?<=<!-- the clients -->\n\n).*?(?=\n<!-- end of the clients -->)")
LONGEST_PROBLEM = 200


def main() -> int:
    given = _arguments()
    trials = {}
    for name in given.clients or CLIENTS:
        trials[name] = try_client(name, CLIENTS[name])
        print(_row(name, trials[name]), flush=True)
        if problem := trials[name].problem:
            print(problem, file=sys.stderr, flush=True)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: _report(trials), page), encoding="utf-8")
    return 1 if any(trial.problem for trial in trials.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make clients", description=__doc__)
    parser.add_argument(
        "clients", nargs="*", type=_known, help=f"only these of {', '.join(CLIENTS)}"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    return parser.parse_args()


def _known(name: str) -> str:
    if name not in CLIENTS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(CLIENTS)}")
    return name


def _report(trials: Mapping[str, Trial]) -> str:
    today = datetime.datetime.now(datetime.UTC).strftime("%d %B %Y").lstrip("0")
    lines = [
        f"{today}:",
        "",
        "| client | version | A2A | shows |",
        "|---|---|---|---|",
        *(_row(name, trial) for name, trial in trials.items()),
    ]
    return "".join(f"{line}\n" for line in lines)


def _row(name: str, trial: Trial) -> str:
    client = CLIENTS[name]
    shows = client.remark or "the text"
    if trial.problem:
        shows = f"no: {' '.join(trial.problem.split())[:LONGEST_PROBLEM]}".replace("|", r"\|")
    return f"| {' | '.join([client.title, trial.version, trial.a2a, shows])} |"


if __name__ == "__main__":
    sys.exit(main())
