"""Where an agent says that it is, as a browser would go there."""

import ipaddress
import re

from agents.models import AgentRecord

HTTPS_PORT = 443
HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")


def base_url(agent: AgentRecord) -> str:
    """Return ``http://host:port``; empty if its host is none that a browser could reach.

    Of the scheme no more is known than the port says: what an agent claims leads nobody anywhere.
    """
    if not _is_well_formed(agent.host):
        return ""
    scheme = "https" if agent.port == HTTPS_PORT else "http"
    return f"{scheme}://{before_port(agent.host)}:{agent.port}"


def before_port(host: str) -> str:
    """Return a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _is_well_formed(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return HOST_NAME.fullmatch(host) is not None
    return "%" not in host  # a zone means something on the agent's own machine alone
