from collections.abc import Mapping
from typing import Any

DEFAULT_PORT = 8000


def port_variable(configured: Any, environ: Mapping[str, str]) -> str:
    """PORT, which platforms set, unless AGENT_PORT or `configured` sets the port."""
    if not environ.get("AGENT_PORT") and configured == DEFAULT_PORT:
        return "PORT"
    return "AGENT_PORT"
