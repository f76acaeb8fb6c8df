"""Which variable of the environment sets the port that the agent listens on."""

from collections.abc import Mapping
from typing import Any

DEFAULT_PORT = 8000


def port_variable(configured: Any, environ: Mapping[str, str]) -> str:
    """Return AGENT_PORT; or PORT, which platforms set, if nothing else says another port.

    `configured` is the port of agent.json.
    """
    if not environ.get("AGENT_PORT") and configured == DEFAULT_PORT:
        return "PORT"
    return "AGENT_PORT"
