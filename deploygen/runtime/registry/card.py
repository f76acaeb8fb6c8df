import json
import logging
from typing import Any

from ..a2a.card import agent_card, base_url
from ..config import AgentConfig

logger = logging.getLogger("agent.registry")

# The registry's limit.
LARGEST_BYTES = 16 * 1024


def registered_card(config: AgentConfig, host: str) -> dict[str, Any] | None:
    """Return None if the card is too large. `host`: the registered one."""
    authority = f"[{host}]:{config.port}" if ":" in host else f"{host}:{config.port}"
    card = agent_card(config, base_url(config, authority))
    size = len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_BYTES:
        logger.warning("the agent's card is not registered: it has more than 16 KiB (%s)", size)
        return None
    return card
