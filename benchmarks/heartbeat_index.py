"""What an index on the heartbeats' time costs on PostgreSQL, what it gains, and which fillfactor.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres python -m benchmarks.heartbeat_index

For each kind of index and each fillfactor it makes the table anew in a database of its own, lets
each agent send some heartbeats, 50 to a statement, and prints what they cost. Then it looks for the
expired among a million. PostgreSQL has to run on this machine, and to do nothing else.
"""

import argparse
import os
import sys

import django


def main() -> None:
    parser = argparse.ArgumentParser(description="What an index on the heartbeats' time costs.")
    parser.add_argument("--agents", type=int, default=200_000, help="that send heartbeats")
    parser.add_argument("--rounds", type=int, default=3, help="heartbeats of each agent")
    parser.add_argument("--fleet", type=int, default=1_000_000, help="of which some expired")
    parser.add_argument("--only", default="", help="kinds of index that begin with this")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    from benchmarks.index_runs import run  # noqa: PLC0415 - models cannot be had earlier

    sys.exit(run(options.agents, options.rounds, options.fleet, options.only))


if __name__ == "__main__":
    main()
