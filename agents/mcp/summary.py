from datetime import timedelta
from typing import Any

from agents.database.clock import database_now
from agents.history.activity import totals
from agents.leases.fleet.last_count import recent_count
from agents.leases.purge.sweep_mark import report_sweeps
from agents.mcp.finding import as_json
from agents.mcp.tool import Arguments, Caller, Tool


class FleetSummary(Arguments):
    pass


def fleet_summary(_arguments: FleetSummary, _caller: Caller) -> dict[str, Any]:
    count, sweeps = recent_count(), report_sweeps()
    return {
        "registered": count.registered,
        "alive": count.active,
        "leases": {str(lease): number for lease, number in count.leases.items()},
        "set_by_operators": {str(state): number for state, number in count.states.items()},
        "counted_seconds_ago": round(count.age, 1),
        "last_hour": _last_hour(),
        "last_purge": as_json(sweeps.last_purge),
        "purge_is_overdue": sweeps.overdue,
        "purge_held": sweeps.held,
    }


def _last_hour() -> dict[str, int]:
    return totals(database_now() - timedelta(hours=1))


FLEET_SUMMARY = Tool(
    name="fleet_summary",
    title="Summary of the fleet",
    description="How many agents are registered, alive, about to expire, expired, drained and "
    "quarantined; what happened in the last hour; and whether purging works. `leases`: alive "
    "includes expiring soon. `purge_held`: expired agents that are kept, because too many expired "
    "at once.",
    arguments=FleetSummary,
    call=fleet_summary,
)
