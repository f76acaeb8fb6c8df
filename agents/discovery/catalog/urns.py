"""Names of agents in catalogs: ``urn:air:PUBLISHER:agent:ID`` (ARD, section 4.2.1)."""

import re

from django.conf import settings

from agents.agent_ids import is_agent_id

AGENT, HEX = "agent", "agent-hex"
# In a URN, a colon must be between other characters.
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)*")


def urn(namespace: str, name: str) -> str:
    return f"urn:air:{settings.REGISTRY_PUBLISHER}:{namespace}:{name}"


def urn_of(agent_id: str) -> str:
    if PLAIN_ID.fullmatch(agent_id):
        return urn(AGENT, agent_id)
    return urn(HEX, agent_id.encode().hex())


def agent_id_of(identifier: str) -> str | None:
    """Return None if it names no agent of this registry."""
    for namespace in (AGENT, HEX):
        prefix = urn(namespace, "")
        if identifier.startswith(prefix):
            name = identifier.removeprefix(prefix)
            agent_id = name if namespace == AGENT else _decoded(name)
            return agent_id if is_agent_id(agent_id) and urn_of(agent_id) == identifier else None
    return None


def _decoded(name: str) -> str:
    try:
        return bytes.fromhex(name).decode("ascii")
    except ValueError:
        return ""
