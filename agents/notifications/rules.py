from collections.abc import Collection, Mapping

from agents.models import AgentEvent
from agents.notifications.events import UNDONE_BY
from agents.notifications.filters import InvalidFilter, parse_filter

OF_REGISTRY = ("purge-", "token-", "channel-")
REGISTRY_KINDS = frozenset(
    kind for kind in AgentEvent.Kind if kind.startswith(OF_REGISTRY) and kind != "purged"
)


def problems(*, events: Collection[str], filter_: str, for_seconds: int) -> Mapping[str, str]:
    """Return what is wrong, by field."""
    found = {}
    try:
        parse_filter(filter_)
    except InvalidFilter as error:
        found["filter"] = str(error)
    about_registry = sorted(REGISTRY_KINDS & set(events))
    if filter_ and about_registry and not found:
        found["filter"] = (
            f"These are not about agents, so no filter matches: {', '.join(about_registry)}."
        )
    stateless = [kind for kind in events if kind not in UNDONE_BY]
    if for_seconds and stateless:
        found["for_seconds"] = f"These begin no state: {', '.join(stateless)}."
    return found
