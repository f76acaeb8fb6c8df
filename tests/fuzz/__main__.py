"""``make fuzz``: send bad input to a registry for a given time.

python -m tests.fuzz --seconds 120 [--seed 1] [--only http] [--database sqlite]
python -m tests.fuzz --seconds 120 --url http://127.0.0.1:9000
python -m tests.fuzz --replay var/fuzz/http-1-17.json
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.fuzz.fuzzing import Failure, Fuzzer, PieceFuzzer, Turn
from tests.fuzz.own_registry import Target, own_registry, prepare
from tests.integration.postgres_cluster import find_programs

NAMES = ("http", "paths", "api", "admin", "specs")
FOUND = Path("var/fuzz")
TURN_SECONDS = 3.0
SECONDS_BETWEEN_LINES = 10.0
# Incomplete requests that are kept open, more than a web process has threads.
HELD = 12
MOST_REPORTED = 10
SHOWN = 600


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    again = Failure.read(options.replay) if options.replay else None
    names = [again.fuzzer] if again else options.only or NAMES
    if options.url is not None and not options.only:
        # It compares two web servers, and another registry may have only one.
        names = [name for name in names if name != "paths"]
    seed = again.seed if again else options.seed
    with (
        tempfile.TemporaryDirectory(prefix="registry-fuzz-") as folder,
        _target(Path(folder), options) as target,
    ):
        fuzzers = [_fuzzer(name, target, seed) for name in names]
        if again:
            problem = fuzzers[0].replay(again)
            print(problem or "the failure no longer occurs")
            return int(problem is not None)
        print(f"fuzzing {target.url} for {options.seconds:g} s, seed {seed}", flush=True)
        run(fuzzers, options.seconds)
    return report(fuzzers)


def run(fuzzers: Sequence[Fuzzer], seconds: float) -> None:
    """Run the fuzzers in turn until the time is over."""
    start = time.monotonic()
    end = start + seconds
    reported = start
    length = min(TURN_SECONDS, seconds / len(fuzzers))
    while time.monotonic() < end:
        for fuzzer in fuzzers:
            fuzzer.take(Turn(until=min(time.monotonic() + length, end)))
        now = time.monotonic()
        if now - reported >= SECONDS_BETWEEN_LINES:
            reported = now
            print(f"{now - start:6.0f} s  {_counts(fuzzers)}", flush=True)


def report(fuzzers: Sequence[Fuzzer]) -> int:
    """Print the numbers of inputs and the failures; return the exit code."""
    failures = [failure for fuzzer in fuzzers for failure in fuzzer.failures]
    alike = Counter(failure.likeness for failure in failures)
    first = {failure.likeness: failure for failure in reversed(failures)}
    for likeness, failure in list(first.items())[:MOST_REPORTED]:
        path = failure.write(FOUND)
        times = f" ({alike[likeness]} times)" if alike[likeness] > 1 else ""
        print(f"\n{failure.fuzzer}, input {failure.number}{times}: {failure.problem[:SHOWN]}")
        print(f"  again: python -m tests.fuzz --replay {path}")
    print("\ninputs tried:")
    for fuzzer in fuzzers:
        print(f"  {fuzzer.name:<6} {fuzzer.tried:>9,}")
    print(f"{len(failures)} failures" if len(failures) != 1 else "1 failure")
    return int(bool(failures))


def _counts(fuzzers: Sequence[Fuzzer]) -> str:
    tried = "  ".join(f"{fuzzer.name} {fuzzer.tried:,}" for fuzzer in fuzzers)
    return f"{tried}  {sum(len(fuzzer.failures) for fuzzer in fuzzers)} failures"


@contextmanager
def _target(folder: Path, options: argparse.Namespace) -> Iterator[Target]:
    if options.url is None:
        with own_registry(folder, options.database) as target:
            yield target
        return
    # The admin's pages and the generator are fuzzed in this process.
    os.environ |= {"REGISTRY_VAR_DIR": str(folder), "REGISTRY_AUTH": "open"}
    prepare()
    yield Target(options.url.rstrip("/"))


def _fuzzer(name: str, target: Target, seed: int) -> Fuzzer:
    # These imports need Django, which is set up with the environment of the target.
    from tests.fuzz import two_paths  # noqa: PLC0415
    from tests.fuzz.admin_pages import AdminPages  # noqa: PLC0415
    from tests.fuzz.agent_specs import AgentSpecs  # noqa: PLC0415
    from tests.fuzz.api_document import ApiDocument  # noqa: PLC0415
    from tests.fuzz.raw_http import RawHttp  # noqa: PLC0415

    if name == "paths":
        if target.slow_url is None:
            raise SystemExit("paths needs its own registry: leave --url out")
        tokens = two_paths.register(target.url)
        return PieceFuzzer(two_paths.TwoPaths(target.url, target.slow_url, tokens), seed)
    if name == "api":
        return ApiDocument(target.url, seed)
    if name == "http":
        http = RawHttp(target.url, secrets=target.secrets, pids=target.pids, hold=HELD)
        return PieceFuzzer(http, seed)
    return PieceFuzzer(AdminPages() if name == "admin" else AgentSpecs(), seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=120.0, help="how long (%(default)g)")
    parser.add_argument(
        "--seed", type=int, default=1, help="the same one gives the same inputs (%(default)s)"
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="this one; repeatable")
    parser.add_argument("--url", help="a registry that runs already (default: one of its own)")
    parser.add_argument(
        "--database",
        choices=["postgresql", "sqlite"],
        default="postgresql" if find_programs() else "sqlite",
        help="of its own registry (%(default)s, since that is installed)",
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try one failure again")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
