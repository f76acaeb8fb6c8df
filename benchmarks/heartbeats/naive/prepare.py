"""Creates the tables and NAIVE_AGENTS agents."""

import os

import django


def main() -> None:
    django.setup()

    from django.core.management import call_command  # noqa: PLC0415 - Django is set up now
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from benchmarks.heartbeats.naive.models import Agent  # noqa: PLC0415

    call_command("migrate", run_syncdb=True, verbosity=0)
    now = timezone.now()
    Agent.objects.bulk_create(
        Agent(name=f"agent-{number}", host="10.0.0.1", port=8000, last_heartbeat=now)
        for number in range(int(os.environ["NAIVE_AGENTS"]))
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
