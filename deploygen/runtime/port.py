"""The variable that sets the agent's port."""

from collections.abc import Mapping
from typing import Any

DEFAULT_PORT = 8000


def port_variable(configured: Any, environ: Mapping[str, str]) -> str:
    """Return PORT, which platforms set, unless AGENT_PORT or agent.json (`configured`) sets one."""
    if not environ.get("AGENT_PORT") and configured == DEFAULT_PORT:
        return "PORT"
    return "AGENT_PORT"
