from collections.abc import Mapping

from agents.models import AgentEvent
from agents.models.event import LEVELS
from agents.states import BY_OPERATION, Level

Kind = AgentEvent.Kind

SUMMARY = "summary"
TEST = "test"

OPERATIONS = frozenset(Kind(state.event) for state in BY_OPERATION)
REGISTRATIONS = frozenset({Kind.REGISTERED, Kind.RE_REGISTERED})
RETURNS = REGISTRATIONS | {Kind.RECOVERED}
DELETIONS = frozenset({Kind.PURGED, Kind.DEREGISTERED})
# After these events, a state has not lasted. A purged agent stays expired. Other events begin no
# state.
UNDONE_BY: Mapping[str, frozenset[str]] = {
    Kind.EXPIRED: RETURNS | {Kind.DEREGISTERED},
    **dict.fromkeys(RETURNS, frozenset({Kind.EXPIRED, *DELETIONS})),
    **dict.fromkeys(DELETIONS, RETURNS),
    **{kind: (OPERATIONS - {kind}) | DELETIONS for kind in OPERATIONS},
    Kind.PROBE_FAILED: frozenset({Kind.PROBE_RECOVERED, *REGISTRATIONS, *DELETIONS}),
    Kind.PROBE_RECOVERED: frozenset({Kind.PROBE_FAILED, Kind.EXPIRED, *DELETIONS}),
    Kind.PURGE_HELD: frozenset({Kind.PURGE_RESUMED, Kind.PURGE_FORCED}),
}
UNDOING = frozenset[str]().union(*UNDONE_BY.values())


def type_of(event: AgentEvent) -> str:
    """Return the type of its message, as Standard Webhooks spells it: "agent.expired"."""
    subject = "agent" if event.agent_id else "registry"
    return f"{subject}.{event.kind.replace('-', '_')}"


def level_of(type_: str) -> Level | None:
    return LEVELS.get(type_.partition(".")[2].replace("_", "-"))
