"""The only writer of events; bulk statements take their INSERT from here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agents.actors import AGENT, PROBE, REGISTRY
from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.database.tables import table
from agents.history.last_record import last_record_sql
from agents.models import AgentEvent

Kind = AgentEvent.Kind
EXPIRES_AT = dialect.expires_at("last_heartbeat", "ttl_seconds")
SILENCE = "'no heartbeat for ' || ttl_seconds || ' s'"
EXPIRED_COLUMNS = {
    "agent_id": "agent_id",
    "generation": "generation",
    "ttl_seconds": "ttl_seconds",
    "expires_at": EXPIRES_AT,
}
RECOVERED_COLUMNS = {
    "agent_id": "agent_id",
    "generation": "generation",
    "last_heartbeat": "last_heartbeat",
}
PURGED_COLUMNS = {
    **EXPIRED_COLUMNS,
    "is_recorded": f"COALESCE({dialect.given_time('recorded_expiry')} = {EXPIRES_AT}, FALSE)",
    "record": last_record_sql(),
}


def record_event(
    kind: AgentEvent.Kind,
    *,
    actor: str,
    agent_id: str = "",
    generation: int | None = None,
    reason: str = "",
    address: str | None = None,
    record: Mapping[str, Any] | None = None,
) -> None:
    AgentEvent.objects.create(
        kind=kind,
        at=DatabaseNow(),
        actor=actor,
        agent_id=agent_id,
        generation=generation,
        reason=reason,
        address=address,
        record=record,
    )


def record_refused_registration(
    agent_id: str, *, actor: str, reason: str, address: str | None
) -> None:
    """Write one event per actor and reason, since agents retry."""
    known = AgentEvent.objects.filter(
        agent_id=agent_id, kind=Kind.REFUSED, generation=None, actor=actor, reason=reason
    )
    if not known.exists():
        record_event(Kind.REFUSED, agent_id=agent_id, actor=actor, reason=reason, address=address)


def record_stale_leases(refused: Sequence[tuple[str, int, int, str | None]]) -> None:
    """Write one event per lease.

    `refused`: agent_id, the caller's generation, the generation that holds the lease, address.
    """
    earlier = AgentEvent.objects.filter(
        kind=Kind.REFUSED, actor=AGENT, agent_id__in={agent_id for agent_id, *_ in refused}
    )
    known = set(earlier.values_list("agent_id", "generation"))
    events = []
    for agent_id, generation, holder, address in refused:
        if (agent_id, generation) in known:
            continue
        known.add((agent_id, generation))
        events.append(
            AgentEvent(
                kind=Kind.REFUSED,
                at=DatabaseNow(),
                actor=AGENT,
                agent_id=agent_id,
                generation=generation,
                reason=f"the lease is held by generation {holder}",
                address=address,
            )
        )
    AgentEvent.objects.bulk_create(events)


class ProbeFlip(NamedTuple):
    agent_id: str
    generation: int
    has_failed: bool
    reason: str


def record_probe_flips(flips: Sequence[ProbeFlip]) -> None:
    """Write which agents failed or recovered by their probes."""
    AgentEvent.objects.bulk_create(
        AgentEvent(
            kind=Kind.PROBE_FAILED if flip.has_failed else Kind.PROBE_RECOVERED,
            at=DatabaseNow(),
            actor=PROBE,
            agent_id=flip.agent_id,
            generation=flip.generation,
            reason=flip.reason,
        )
        for flip in flips
    )


def registration_sql(registered: str) -> str:
    """Return an INSERT for each row of the table `registered`."""
    values = {
        "id": "generation",
        "agent_id": "agent_id",
        "generation": "generation",
        "kind": f"CASE WHEN created THEN '{Kind.REGISTERED}' ELSE '{Kind.RE_REGISTERED}' END",
        "at": "last_heartbeat",
        "reason": "''",
        "actor": "actor",
        "address": "seen_address",
    }
    return _insert_sql(values, f"FROM {registered}")


def expiry_sql(expired: str) -> str:
    """Return an INSERT for each row of the table `expired`."""
    return _lease_sql(Kind.EXPIRED, at="expires_at", reason=SILENCE, source=expired)


def recovery_sql(recovered: str) -> str:
    """Return an INSERT for each row of the table `recovered`."""
    return _lease_sql(Kind.RECOVERED, at="last_heartbeat", reason="''", source=recovered)


def _lease_sql(kind: Kind, *, at: str, reason: str, source: str) -> str:
    values = {
        "agent_id": "agent_id",
        "generation": "generation",
        "kind": f"'{kind}'",
        "at": at,
        "reason": reason,
        "actor": f"'{REGISTRY}'",
    }
    return _insert_sql(values, f"FROM {source} ORDER BY {at}, agent_id")


def purge_sql(purged: str) -> str:
    """Return an INSERT for each row of the table `purged`.

    An `expired` event comes first if none is recorded. Parameters: reason and actor.
    """
    values = {
        "agent_id": "agent_id",
        "generation": "generation",
        "kind": f"CASE step WHEN 1 THEN '{Kind.EXPIRED}' ELSE '{Kind.PURGED}' END",
        "at": f"CASE step WHEN 1 THEN expires_at ELSE {dialect.now()} END",
        "reason": f"CASE step WHEN 1 THEN {SILENCE} ELSE %s END",
        "actor": f"CASE step WHEN 1 THEN '{REGISTRY}' ELSE %s END",
        "record": "CASE step WHEN 2 THEN record END",
    }
    steps = "(SELECT 1 AS step UNION ALL SELECT 2) AS steps"
    source = f"FROM {purged} CROSS JOIN {steps} WHERE step = 2 OR NOT is_recorded"
    return _insert_sql(values, f"{source} ORDER BY agent_id, step")


def _insert_sql(values: Mapping[str, str], source: str) -> str:
    columns, expressions = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO {table(AgentEvent)} ({columns}) SELECT {expressions} {source}"
