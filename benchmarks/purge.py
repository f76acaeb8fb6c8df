"""``make purge-bench``: how long a purge takes, and how much it slows down heartbeats.

    make purge-bench AGENTS=1000000 EXPIRED=100000
    DATABASE_URL=postgres://registry@127.0.0.1/postgres make purge-bench

Uses a temporary database (SQLite without DATABASE_URL), and purges twice: while another process
renews batches of 50 leases without a pause, and while it sends single heartbeats over HTTP. Exits
with 1 if a heartbeat is lost or a limit exceeded.
"""

import argparse
import os
import sys

import django


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a purge takes, and what it disturbs.")
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--expired", type=int, default=100_000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
    from benchmarks.purge_runs import run  # noqa: PLC0415 - models cannot be had earlier

    violations = run(options.agents, options.expired)
    print("\n" + ("\n".join(violations) if violations else "all within the limits"))
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
