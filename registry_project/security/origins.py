"""Origins as browsers write them (RFC 6454, section 6.2)."""

import ipaddress
import re
from urllib.parse import urlsplit

from registry_project.environment import WrongValue, shown

DEFAULT_PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
WILDCARD = "*."
NEVER = {
    "*": "'*' is every website; name those that may",
    "null": "'null' is every file and every sandboxed frame; serve the page by HTTP",
}


def parse_origins(text: str, *, wildcards: bool = False) -> list[str]:
    """Split at commas. Raise WrongValue.

    `wildcards`: ``https://*.example`` stands for all hosts below a name.
    """
    origins = [part.strip() for part in text.split(",") if part.strip()]
    for origin in origins:
        if origin.lower() in NEVER:
            raise WrongValue(NEVER[origin.lower()])
        right = _as_browsers_write_it(origin, wildcards=wildcards)
        if right is None:
            raise WrongValue(f"{shown(origin)} is not an origin")
        if right != origin:
            raise WrongValue(f"write {right} for {shown(origin)}")
    return origins


def _as_browsers_write_it(text: str, *, wildcards: bool) -> str | None:
    try:
        parts = urlsplit(text)
        port, name = parts.port, parts.hostname or ""
        prefix = WILDCARD if wildcards and name.startswith(WILDCARD) else ""
        host = _host(name.removeprefix(prefix))
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or host is None:
        return None
    shown_port = "" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{prefix}{host}{shown_port}"


def _host(name: str) -> str | None:
    """Return None, or raise ValueError, if it is no host."""
    if ":" in name:
        return f"[{ipaddress.IPv6Address(name).compressed}]"
    host = name.encode("idna").decode()
    return host if NAME.fullmatch(host) else None
