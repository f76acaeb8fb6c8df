"""Prepares the registry's database for a storm, and judges it afterwards.

    ... database prepare PREFIX AGENTS LIVING TTL TOKENS    prints a Preparation as JSON
    ... database judge PREFIX                               prints a Verdict as JSON

`judge` reads the acknowledged registrations from standard input: lines with an id and a generation.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import django

BATCH = 1_000


@dataclass(frozen=True)
class Preparation:
    """Access tokens, and the lease tokens of agents by id: of the living, and of the lost ones."""

    access_tokens: list[str]
    living: dict[str, str]
    lost: dict[str, str]


@dataclass(frozen=True)
class Verdict:
    """Ids of agents.

    `lost`: acknowledged, and neither there nor purged. `expired`: there, but not alive. `purged`:
    its acknowledged registration was purged or expired at any time, by the history.
    """

    lost: list[str]
    expired: list[str]
    purged: list[str]


def prepare(prefix: str, *, agents: int, living: int, ttl: int, tokens: int) -> Preparation:
    """Register the living agents. The lost ones have lease tokens of records that are not there."""
    from agents.tokens import access, lease  # noqa: PLC0415 - models need Django to be set up

    issued = [access.issue(name=f"team {number}", actor="storm") for number in range(tokens)]
    keys = [record.key for record, _ in issued]
    ids = [f"{prefix}living-{number}" for number in range(living)]
    generations: dict[str, int] = {}
    for start in range(0, living, BATCH):
        generations |= _register(ids[start : start + BATCH], keys, ttl)
    lost = [f"{prefix}{number}" for number in range(agents)]
    return Preparation(
        access_tokens=[text for _, text in issued],
        living={agent_id: lease.issue(agent_id, one) for agent_id, one in generations.items()},
        lost={agent_id: lease.issue(agent_id, 1) for agent_id in lost},
    )


def judge(prefix: str, acknowledged: Mapping[str, int]) -> Verdict:
    """`acknowledged`: the generation of the last registration of each agent that got a response."""
    from agents.models import AgentEvent, AgentRecord  # noqa: PLC0415

    ours = AgentRecord.objects.filter(agent_id__startswith=prefix)
    alive = set(ours.alive().values_list("agent_id", flat=True))
    found = dict(ours.values_list("agent_id", "generation"))
    kinds = [AgentEvent.Kind.PURGED, AgentEvent.Kind.EXPIRED]
    events = AgentEvent.objects.filter(agent_id__startswith=prefix, kind__in=kinds)
    ended = set(events.values_list("agent_id", "generation"))
    # Not those whose registration got no response in time: nobody sends heartbeats for it.
    purged = {agent_id for agent_id, one in acknowledged.items() if (agent_id, one) in ended}
    return Verdict(
        lost=[
            agent_id
            for agent_id, generation in acknowledged.items()
            if found.get(agent_id, 0) < generation and agent_id not in purged
        ],
        expired=sorted(
            agent_id
            for agent_id in found.keys() - alive
            if found[agent_id] == acknowledged.get(agent_id)
        ),
        purged=sorted(purged),
    )


def _register(ids: list[str], keys: list[str], ttl: int) -> dict[str, int]:
    """Register agents by these tokens in turn; return their generations."""
    from agents import leases  # noqa: PLC0415
    from agents.tokens.enrollment import Enrolment  # noqa: PLC0415

    applications = []
    for number, agent_id in enumerate(ids):
        key = keys[number % len(keys)]
        fields = {"agent_id": agent_id, "host": "10.0.0.1", "port": 8000, "ttl_seconds": ttl}
        enrolment = Enrolment(f"token:{key}", key, takes_over=False)
        applications.append(leases.Application(fields, None, enrolment))
    registered = leases.register_many(applications)
    return {agent_id: one.agent.generation for agent_id, one in registered.items()}


def main(command: str, prefix: str, *numbers: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    result: Preparation | Verdict
    if command == "prepare":
        agents, living, ttl, tokens = map(int, numbers)
        result = prepare(prefix, agents=agents, living=living, ttl=ttl, tokens=tokens)
    else:
        pairs = (line.split() for line in sys.stdin)
        result = judge(prefix, {agent_id: int(generation) for agent_id, generation in pairs})
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
