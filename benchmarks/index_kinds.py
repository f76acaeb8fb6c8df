"""The indexes that could find expired agents on PostgreSQL."""

from dataclasses import dataclass

from benchmarks.beating import POSTGRESQL_RENEWAL
from benchmarks.fleets import TTL_SECONDS

ENDED = "last_heartbeat + MAKE_INTERVAL(secs => ttl_seconds) <= STATEMENT_TIMESTAMP()"
# Selects the expired only because all agents here have the same TTL. With one agent whose TTL is
# a second, the bound would have to be a second ago, and match nearly all rows.
LONG_AGO = f"last_heartbeat <= STATEMENT_TIMESTAMP() - INTERVAL '{TTL_SECONDS} s'"
# In UTC, because an index needs immutable expressions and timestamptz arithmetic is not immutable.
EXPIRES_AT = "((last_heartbeat AT TIME ZONE 'UTC') + MAKE_INTERVAL(secs => ttl_seconds))"
MINUTE = "(FLOOR(EXTRACT(EPOCH FROM {} AT TIME ZONE 'UTC') / 60))::integer"


@dataclass(frozen=True)
class Kind:
    """SQL: `makes` and `unmakes` the index, `finds` expired agents, `renews` leases."""

    name: str
    makes: str = ""
    unmakes: str = "DROP INDEX IF EXISTS heartbeat"
    finds: str = f"SELECT ctid FROM agents_agentrecord WHERE {ENDED}"  # noqa: S608 - all ours
    renews: str = POSTGRESQL_RENEWAL
    table: str = "agents_agentrecord"


def _on_agents(condition: str) -> str:
    return f"SELECT ctid FROM agents_agentrecord WHERE {condition}"  # noqa: S608 - all ours


NONE = Kind("none")
B_TREE = Kind(
    "b-tree on last_heartbeat",
    makes="CREATE INDEX heartbeat ON agents_agentrecord (last_heartbeat)",
    finds=_on_agents(f"{LONG_AGO} AND {ENDED}"),
)
KINDS = [
    NONE,
    B_TREE,
    Kind(
        "BRIN on last_heartbeat",
        makes="CREATE INDEX heartbeat ON agents_agentrecord USING brin (last_heartbeat)",
        finds=_on_agents(f"{LONG_AGO} AND {ENDED}"),
    ),
    Kind(
        "b-tree on the lease's end",
        makes=f"CREATE INDEX heartbeat ON agents_agentrecord ({EXPIRES_AT})",
        finds=_on_agents(f"{EXPIRES_AT} <= STATEMENT_TIMESTAMP() AT TIME ZONE 'UTC'"),
    ),
    # An update is HOT while the minute does not change, but the current minute is not searched.
    Kind(
        "b-tree on the minute, a column",
        makes=(
            "ALTER TABLE agents_agentrecord ADD COLUMN minute integer GENERATED ALWAYS AS"
            f" ({MINUTE.format('last_heartbeat')}) STORED;"
            "CREATE INDEX heartbeat ON agents_agentrecord (minute)"
        ),
        unmakes="ALTER TABLE agents_agentrecord DROP COLUMN IF EXISTS minute",
        finds=_on_agents(
            f"minute <= {MINUTE.format('STATEMENT_TIMESTAMP()')} - {TTL_SECONDS // 60} AND {ENDED}"
        ),
    ),
    Kind(
        "no index, a table of leases",
        makes=(
            "CREATE TABLE lease (agent_id varchar(255) PRIMARY KEY, last_heartbeat timestamptz,"
            " ttl_seconds integer, generation bigint)"
        ),
        unmakes="DROP TABLE IF EXISTS lease",
        finds=f"SELECT ctid FROM lease WHERE {ENDED}",  # noqa: S608
        renews=POSTGRESQL_RENEWAL.replace("agents_agentrecord", "lease"),
        table="lease",
    ),
]
