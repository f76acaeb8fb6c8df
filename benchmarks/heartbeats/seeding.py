"""Inserts agents into the registry's database: ``... seeding COUNT FILE``.

FILE gets a line with the id and the lease token of each.
"""

import os
import sys
from pathlib import Path

import django

TTL_SECONDS = 86_400


def main(count: int, file: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()

    from django.utils import timezone  # noqa: PLC0415 - models need Django to be set up

    from agents.models import AgentRecord  # noqa: PLC0415
    from agents.tokens.lease import issue  # noqa: PLC0415

    now = timezone.now()
    agents = [
        AgentRecord(
            agent_id=f"bench-{number}",
            agent_name=f"bench-{number}",
            host="10.0.0.1",
            port=8000,
            ttl_seconds=TTL_SECONDS,
            metadata={"team": "bench"},
            generation=number,
            last_heartbeat=now,
            registered_at=now,
        )
        for number in range(1, count + 1)
    ]
    AgentRecord.objects.bulk_create(agents, batch_size=1000)
    lines = (f"{agent.agent_id} {issue(agent.agent_id, agent.generation)}" for agent in agents)
    file.write_text("\n".join(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
