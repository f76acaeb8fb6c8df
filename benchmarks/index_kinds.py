"""The indexes that could find expired agents on PostgreSQL."""

from dataclasses import dataclass

from benchmarks.background_heartbeats import POSTGRESQL_RENEWAL
from benchmarks.sample_agents import TTL_SECONDS

ENDED = "last_heartbeat + MAKE_INTERVAL(secs => ttl_seconds) <= STATEMENT_TIMESTAMP()"
# Selects the expired only because all agents here have the same TTL. With one agent whose TTL is
# a second, the bound would have to be a second ago, and match nearly all rows.
LONG_AGO = f"last_heartbeat <= STATEMENT_TIMESTAMP() - INTERVAL '{TTL_SECONDS} s'"
# In UTC, because an index needs immutable expressions and timestamptz arithmetic is not immutable.
EXPIRES_AT = "((last_heartbeat AT TIME ZONE 'UTC') + MAKE_INTERVAL(secs => ttl_seconds))"
MINUTE = "(FLOOR(EXTRACT(EPOCH FROM {} AT TIME ZONE 'UTC') / 60))::integer"


@dataclass(frozen=True)
class Kind:
    """How to create and drop the index, find expired agents and renew leases."""

    name: str
    create_sql: str = ""
    drop_sql: str = "DROP INDEX IF EXISTS heartbeat"
    find_sql: str = f"SELECT ctid FROM agents_agentrecord WHERE {ENDED}"  # noqa: S608 - all ours
    renew_sql: str = POSTGRESQL_RENEWAL
    table: str = "agents_agentrecord"


def _on_agents(condition: str) -> str:
    return f"SELECT ctid FROM agents_agentrecord WHERE {condition}"  # noqa: S608 - all ours


NONE = Kind("none")
B_TREE = Kind(
    "b-tree on last_heartbeat",
    create_sql="CREATE INDEX heartbeat ON agents_agentrecord (last_heartbeat)",
    find_sql=_on_agents(f"{LONG_AGO} AND {ENDED}"),
)
KINDS = [
    NONE,
    B_TREE,
    Kind(
        "BRIN on last_heartbeat",
        create_sql="CREATE INDEX heartbeat ON agents_agentrecord USING brin (last_heartbeat)",
        find_sql=_on_agents(f"{LONG_AGO} AND {ENDED}"),
    ),
    Kind(
        "b-tree on the lease's end",
        create_sql=f"CREATE INDEX heartbeat ON agents_agentrecord ({EXPIRES_AT})",
        find_sql=_on_agents(f"{EXPIRES_AT} <= STATEMENT_TIMESTAMP() AT TIME ZONE 'UTC'"),
    ),
    # An update is HOT while the minute does not change, but the current minute is not searched.
    Kind(
        "b-tree on the minute, a column",
        create_sql=(
            "ALTER TABLE agents_agentrecord ADD COLUMN minute integer GENERATED ALWAYS AS"
            f" ({MINUTE.format('last_heartbeat')}) STORED;"
            "CREATE INDEX heartbeat ON agents_agentrecord (minute)"
        ),
        drop_sql="ALTER TABLE agents_agentrecord DROP COLUMN IF EXISTS minute",
        find_sql=_on_agents(
            f"minute <= {MINUTE.format('STATEMENT_TIMESTAMP()')} - {TTL_SECONDS // 60} AND {ENDED}"
        ),
    ),
    Kind(
        "no index, a table of leases",
        create_sql=(
            "CREATE TABLE lease (agent_id varchar(255) PRIMARY KEY, last_heartbeat timestamptz,"
            " ttl_seconds integer, generation bigint)"
        ),
        drop_sql="DROP TABLE IF EXISTS lease",
        find_sql=f"SELECT ctid FROM lease WHERE {ENDED}",  # noqa: S608
        renew_sql=POSTGRESQL_RENEWAL.replace("agents_agentrecord", "lease"),
        table="lease",
    ),
]
