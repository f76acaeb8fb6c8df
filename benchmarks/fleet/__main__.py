"""Runs a fleet of simulated agents against a registry, and checks what it says about each.

    make fleet AGENTS=1000 TTL=60 DURATION=120 PORT=9000
    make fleet AGENTS=100000 DURATION=180 OWN=1
    make fleet AGENTS=1000000 RELAYS=20 DURATION=600

Agents register, send heartbeats at a third of their TTL, restart, crash and deregister, while bad
clients send invalid requests. Each crashed agent is read before and after its lease ends, and the
listing is read repeatedly. Exits with 1 if a lease ended too early, if a dead agent is listed a
second too long, or on any unexpected response.

RELAYS=20: so many relays send the heartbeats of all agents but a thousand, a thousand in each call.
OWN=1 starts a registry on PostgreSQL for the run; so does a URL at which no registry answers. The
access token for a registry in token mode comes from --token or REGISTRY_TOKEN:

    REGISTRY_TOKEN=$(.venv/bin/python manage.py issue_token --read --quiet) make fleet
"""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.databases import LARGE
from benchmarks.fleet import histogram
from benchmarks.fleet.costs import Meter
from benchmarks.fleet.own_registry import OwnRegistry, own_registry
from benchmarks.fleet.plan import Plan
from benchmarks.fleet.progress import Progress
from benchmarks.fleet.report import report
from benchmarks.fleet.run import Run
from benchmarks.programs import DidNotStart, Missing
from benchmarks.wire.connection import Address

INTERRUPTED = 130
MOST_BY_DEFAULTS = 100_000  # of PostgreSQL
# A fleet with relays is large: it registers as fast as the registry can.
FAST_REGISTRATIONS, FAST_REGISTERING = 10_000.0, 64
NO_LIMIT = dict.fromkeys(["RATE_REGISTER_PER_TOKEN", "RATE_REGISTER_PER_ADDRESS"], "100000/second")


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with _registry(options) as registry:
            sys.exit(not _run(options, registry))
    except (Missing, DidNotStart) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run(options: argparse.Namespace, registry: OwnRegistry | None) -> bool:
    # With a registry of our own, which then has no limit.
    is_fast = options.relays > 0 and registry is not None
    plan = Plan(
        agents=options.agents,
        ttl=options.ttl,
        duration=options.duration,
        token=registry.token if registry else options.token,
        deaths=options.deaths,
        restarts=options.restarts,
        stops=options.stops,
        bad=options.bad,
        leave=registry is None,
        seed=options.seed,
        relays=options.relays,
        singles=options.singles,
        registrations=FAST_REGISTRATIONS if is_fast else Plan.registrations,
        registering=FAST_REGISTERING if is_fast else Plan.registering,
    )
    meter = registry.meter if registry else _meter(options)
    address = address_of(registry.url if registry else options.registry_url)
    run = Run(plan, address, meter, Progress(sys.stdout))
    try:
        run.execute()
    finally:
        print(f"\n{report(run.results, run.costs, run.beats, is_over=run.is_over)}", flush=True)
        if options.picture and run.results.heartbeats:
            options.picture.write_text(histogram.svg(run.results.latencies))
            print(f"written          {options.picture}")
    return run.results.is_clean


@contextmanager
def _registry(options: argparse.Namespace) -> Iterator[OwnRegistry | None]:
    """Yield a registry started for this run, or None to use the one that runs already."""
    if not options.own:
        try:
            httpx.get(f"{options.registry_url}/health", timeout=30).raise_for_status()
        except httpx.HTTPError as error:
            print(f"No registry answers at {options.registry_url} ({error}).", flush=True)
        else:
            yield None
            return
    print("Starting a registry on PostgreSQL for this run", flush=True)
    try:
        limits = NO_LIMIT if options.relays else {}
        database = LARGE if options.agents > MOST_BY_DEFAULTS else ()
        with own_registry(options.workers, options=database, **limits) as registry:
            yield registry
    except Missing as error:
        raise Missing(f"{error}. Or start a registry: make run") from error


def _meter(options: argparse.Namespace) -> Meter:
    return Meter(options.server_pid, options.database_pid, options.database_url)


def address_of(url: str) -> Address:
    """Resolve the URL of a registry. Exits if that fails."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        sys.exit(f"{url} is not an http:// URL")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError as error:
        sys.exit(f"{parts.hostname} cannot be resolved: {error}")
    # IPv4 first: a server that listens on 0.0.0.0 does not answer on ::1.
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    host, port = found[0][4][:2]
    return str(host), int(port)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--registry-url", default="http://localhost:9000")
    add("--agents", type=int, default=1000)
    add("--ttl", type=int, default=60, help="seconds")
    add("--duration", type=float, default=120, help="seconds, once all have registered")
    add("--relays", type=int, default=Plan.relays, help="send the heartbeats of many agents each")
    add("--singles", type=int, default=Plan.singles, help="agents without a relay (%(default)s)")
    add("--token", default=os.environ.get("REGISTRY_TOKEN"), help="an access token, where needed")
    add("--deaths", type=float, default=Plan.deaths, help="share of the agents (%(default)s)")
    add("--restarts", type=float, default=Plan.restarts, help="share of the agents (%(default)s)")
    add("--stops", type=float, default=Plan.stops, help="share of the agents (%(default)s)")
    add("--bad", type=float, default=Plan.bad, help="bad requests, a share of the heartbeats")
    add("--seed", type=int, default=Plan.seed)
    add("--own", action="store_true", help="start a registry on PostgreSQL for this run")
    add("--workers", type=int, help="its web processes (one for each processor)")
    add("--server-pid", type=int, nargs="*", default=(), help="of a running one: measure its CPU")
    add("--database-pid", type=int, nargs="*", default=(), help="the same of its database")
    add("--database-url", help="PostgreSQL's, to measure its write-ahead log")
    add("--picture", type=Path, help="where to write the latencies, as SVG")
    return parser.parse_args()


if __name__ == "__main__":
    main()
