from collections.abc import Iterator

from agents.database.clock import expired_sql
from agents.database.dialect import dialect
from agents.database.statements import LoggedDelete
from agents.database.tables import table
from agents.history.record import PURGED_COLUMNS, purge_sql
from agents.models import AgentRecord

PURGE = LoggedDelete(
    table=table(AgentRecord),
    returning=PURGED_COLUMNS,
    log=purge_sql("written"),
)


def purge_one(*, agent_id: str, actor: str, reason: str = "") -> bool:
    """Return False unless the lease has ended."""
    condition = f"agent_id = %s AND {expired_sql()}"
    return bool(dialect.delete(PURGE, condition, [agent_id], [reason, actor]))


def purge_batches(condition: str, actor: str, batch_size: int) -> Iterator[int]:
    return dialect.delete_in_batches(PURGE, condition, ["", actor], batch_size)
