"""ALLOWED_HOSTS, with underscores, which Django refuses and container networks use.

Safe, since no link is built from the header.
"""

import re

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http.request import validate_host

LONGEST_SHOWN = 100
HOST = re.compile(
    r"(?P<host>[a-z0-9._~-]+|\[[0-9a-f:.]+(?:%[a-z0-9._~%-]+)?\])(?::[0-9]{1,5})?", re.IGNORECASE
)


def check_host(header: str) -> None:
    """Raise DisallowedHost. Its message is for the caller."""
    shown = header[:LONGEST_SHOWN]
    match = HOST.fullmatch(header)
    if match is None:
        raise DisallowedHost(f"The Host header {shown!r} is not a host name.")
    host = match["host"].lower().rstrip(".")
    if not validate_host(host, settings.ALLOWED_HOSTS):
        raise DisallowedHost(
            f"The host {shown!r} is not one of this registry's: ALLOWED_HOSTS has to name it."
        )


def is_allowed_host(header: str) -> bool:
    try:
        check_host(header)
    except DisallowedHost:
        return False
    return True
