"""Compares indexes on last_heartbeat and fillfactors: cost per heartbeat, time to find the expired.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres python -m benchmarks.heartbeat_index
    python -m benchmarks.heartbeat_index   # on SQLite: with an index and without

For each kind of index and fillfactor it fills a temporary table, renews all agents, 50 per
statement, and prints the cost. Then it searches a million agents for expired ones. PostgreSQL must
run on this machine and be idle otherwise.
"""

import argparse
import os

import django

EXPIRED_ON_SQLITE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description="What an index on the heartbeats' time costs.")
    parser.add_argument("--agents", type=int, default=200_000, help="that send heartbeats")
    parser.add_argument("--rounds", type=int, default=3, help="heartbeats of each agent")
    parser.add_argument("--fleet", type=int, default=1_000_000, help="of which some expired")
    parser.add_argument("--only", default="", help="kinds of index that begin with this")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    from django.db import connection  # noqa: PLC0415 - models cannot be had earlier

    from benchmarks import index_on_sqlite, index_runs  # noqa: PLC0415

    if connection.vendor == "sqlite":
        index_on_sqlite.run(options.agents, options.rounds, options.fleet, EXPIRED_ON_SQLITE)
    else:
        index_runs.run(options.agents, options.rounds, options.fleet, options.only)


if __name__ == "__main__":
    main()
