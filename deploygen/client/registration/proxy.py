"""The variables for proxies that curl and httpx read."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

PORTS = {"http": 80, "https": 443}


class UnusableVariable(Exception):
    """The message names the variable, without its value."""


@dataclass(frozen=True)
class Route:
    variable: str = ""
    proxy: httpx.Proxy | None = None

    def __str__(self) -> str:
        if self.proxy is None:
            return ""
        return f"through the proxy {self.proxy.url.netloc.decode()} of {self.variable}"


def find_route(url: httpx.URL, environ: Mapping[str, str]) -> Route:
    """Raises UnusableVariable."""
    variable = _proxy_variable(url.scheme, environ)
    if not variable or _is_exempt(url, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return Route()
    value = environ[variable].strip()
    try:
        proxy = httpx.Proxy(value if "://" in value else f"http://{value}")
    except (ValueError, httpx.InvalidURL):  # may contain a password
        proxy = None
    if proxy is None or not proxy.url.host:
        raise UnusableVariable(f"{variable} is not the URL of a proxy")
    return Route(variable, proxy)


def _proxy_variable(scheme: str, environ: Mapping[str, str]) -> str:
    names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
    if "REQUEST_METHOD" in environ:
        # A CGI server sets it from the request's header "Proxy".
        names = [name for name in names if name != "HTTP_PROXY"]
    return next((name for name in names if environ.get(name, "").strip()), "")


def _is_exempt(url: httpx.URL, no_proxy: str) -> bool:
    entries = re.split(r"[\s,]+", no_proxy.lower())
    return any(_covers(entry.rpartition("://")[2], url) for entry in entries)


def _covers(entry: str, url: httpx.URL) -> bool:
    if entry == "*":
        return True
    host = url.host.lower().rstrip(".")
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
        return ipaddress.ip_address(host) in network
    except ValueError:  # a name, which is not resolved
        pass
    name, port = entry, ""
    if re.search(r"[^:]:\d+$", entry):
        name, _, port = entry.rpartition(":")
    if port and int(port) != (url.port or PORTS[url.scheme]):
        return False
    name = name.strip("[]").removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
