import ipaddress
import re

from agents.addresses import before_port
from agents.models import AgentRecord

HTTPS_PORT = 443
HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")


def base_url(agent: AgentRecord) -> str:
    """Return "" for a host such as ``user@elsewhere``."""
    if not _is_well_formed(agent.host):
        return ""
    scheme = "https" if agent.port == HTTPS_PORT else "http"
    return f"{scheme}://{before_port(agent.host)}:{agent.port}"


def _is_well_formed(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return HOST_NAME.fullmatch(host) is not None
    return "%" not in host
