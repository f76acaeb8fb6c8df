import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploygen.output.rendering import is_local

TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class Registry:
    url: str | None
    note: str


def choose_registry(written: Any, default: str) -> Registry:
    """Return this machine's registry if it answers, else none.

    `written`: the spec's section. A registry elsewhere is no place for an agent under development.
    """
    if written is False:
        return Registry(None, "joins no registry, as its spec says")
    named = written.get("url") if isinstance(written, dict) else None
    url = named if isinstance(named, str) else default
    if not is_local(url):
        return Registry(
            None, f"does not join {url}, which is not on this machine; --registry-url would"
        )
    if not _answers(url):
        return Registry(None, f"joins no registry: none answers at {url}")
    return Registry(url, f"joins the registry at {url}")


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    is_https = parts.scheme == "https"
    kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path}/health", headers={"Accept": "application/json"})
        return "registered_agents" in json.loads(connection.getresponse().read(10_000))
    except (OSError, ValueError, TypeError, http.client.HTTPException):
        return False
    finally:
        connection.close()
