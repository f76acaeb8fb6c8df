"""How long a purge takes, and what heartbeats notice of it: ``make purge-bench``.

    make purge-bench AGENTS=1000000 EXPIRED=100000
    DATABASE_URL=postgres://registry@127.0.0.1/postgres make purge-bench

It makes a database of its own on the server of DATABASE_URL (on SQLite without one) and drops it in
the end. It purges twice. The first time another process renews agents by batches of 50, without a
pause; the second time it sends single heartbeats over HTTP to a web server instead. Exits with 1
when something is lost, or a limit is broken.
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

    wrong = run(options.agents, options.expired)
    print("\n" + ("\n".join(wrong) if wrong else "all within the limits"))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
