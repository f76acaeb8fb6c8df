"""Lets a fleet come back at once to a registry that has lost its records.

    make storm AGENTS=100000
    make storm AGENTS=2000 DATABASE=sqlite

Starts a registry as in production (PostgreSQL, Redis, web processes, worker and beat; token mode,
default limits), or as on one machine, on SQLite. A tenth as many agents live on and send
heartbeats. All others register at the same moment, or with LOST=1 when their next heartbeat gets
404, within 20 s. Where they are refused, they pause as the client in `deploygen`.

Prints one line with the result; progress and details go to standard error. Exits with 1 unless all
are registered within 90 s per 100,000 agents (at least 30 s), no agent that is alive expires, and
the database has all registrations that were acknowledged.
"""

import argparse
import signal
import sys

from benchmarks.fleet.__main__ import address_of
from benchmarks.fleet.own_registry import POSTGRESQL, SQLITE, own_registry
from benchmarks.fleet.progress import Progress
from benchmarks.programs import LOCAL, DidNotStart, Missing
from benchmarks.storm.plan import AGENTS, Plan
from benchmarks.storm.run import Run

INTERRUPTED = 130


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(
        agents=options.agents,
        living=max(1, options.agents // 10) if options.living is None else options.living,
        tokens=options.tokens,
        addresses=options.addresses,
        connections=options.connections,
        finds_out=options.lost,
    )
    try:
        # This process stands for the proxies in front.
        with own_registry(
            options.workers, database=options.database, TRUSTED_PROXIES=LOCAL
        ) as registry:
            run = Run(
                plan,
                address_of(registry.url),
                registry.environment,
                registry.meter,
                Progress(sys.stderr),
            )
            run.execute()
    except (Missing, DidNotStart) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    print(run.results.details(), file=sys.stderr)
    if (cpu := run.costs) is not None:
        # SQLite's part is the server's.
        parts = {"server": cpu.server, "database": cpu.database, "client": cpu.client}
        seconds = [f"{name} {used:.1f}" for name, used in parts.items() if used is not None]
        print(f"CPU seconds of the storm           {', '.join(seconds)}", file=sys.stderr)
    print(run.results.line())
    sys.exit(not run.results.is_good(plan))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--agents", type=int, default=AGENTS, help="those that come back (%(default)s)")
    add("--living", type=int, help="those that live on (a tenth as many)")
    add("--tokens", type=int, default=Plan.tokens, help="access tokens (%(default)s)")
    add("--addresses", type=int, default=Plan.addresses, help="of the agents (one each)")
    add("--connections", type=int, default=Plan.connections, help="kept ones (%(default)s)")
    add("--lost", action="store_true", help="register when the next heartbeat gets 404")
    add("--database", choices=(POSTGRESQL, SQLITE), default=POSTGRESQL, help="(%(default)s)")
    add("--workers", type=int, help="web processes (one for each processor; on SQLite one)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
