import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ..config import AgentConfig, ConfigError, Part, validated
from .hosts import VARIABLE as HOSTS
from .tokens import VARIABLE as TOKENS
from .tokens import requires_token

CORS_ORIGINS = "AGENT_CORS_ORIGINS"
VARIABLES = {
    "rate_per_address": "AGENT_RATE_PER_ADDRESS",
    "max_waiting": "AGENT_MAX_WAITING",
    "trusted_proxies": "AGENT_TRUSTED_PROXIES",
    "allowed_hosts": HOSTS,
    "cors_origins": CORS_ORIGINS,
}
RATE = re.compile(r"[1-9]\d{0,6}/(second|minute|hour)|off")
HOST_NAME = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\*")
ORIGIN = re.compile(r"https?://[a-z0-9._-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?|\*")


def _rate(text: str) -> str:
    if not RATE.fullmatch(text):
        raise ValueError("a rate is like 100/second, 30/minute or 500/hour, or off")
    return text


def _listed(value: Any) -> list[str]:
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        raise ValueError("a list is separated by commas or blanks")  # noqa: TRY004 - for pydantic
    return [each for each in re.split(r"[\s,]+", value) if each]


def _networks(value: Any) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(each) for each in _listed(value)]
    except ValueError as error:
        raise ValueError(f"a list of addresses and networks: {error}") from error


def _origins(origins: list[str]) -> list[str]:
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ValueError(f"an origin is like https://page.example, not {origin!r}")
    return origins


def _hosts(names: list[str]) -> list[str]:
    for name in names:
        if not HOST_NAME.fullmatch(name):
            raise ValueError(
                f"a host is like agent.example, .example for all below it, or *, not {name!r}"
            )
    return names


class AccessSettings(Part):
    rate_per_address: Annotated[str, AfterValidator(_rate)] = "100/second"
    max_waiting: Annotated[int, Field(ge=1, le=100_000)] = 512
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], BeforeValidator(_networks)] = []
    allowed_hosts: Annotated[list[str], BeforeValidator(_listed), AfterValidator(_hosts)] = []
    cors_origins: Annotated[list[str], BeforeValidator(_listed), AfterValidator(_origins)] = []


def read_settings(config: AgentConfig) -> AccessSettings:
    """Raises ConfigError."""
    settings = validated(AccessSettings, {}, VARIABLES, config.environ, "")
    if "*" in settings.cors_origins and not requires_token(config.environ):
        # Many agents have only their network as protection.
        raise ConfigError(
            f"{CORS_ORIGINS} may be * only with {TOKENS}: without tokens, any website could call "
            "the agent through the browser of a visitor"
        )
    return settings
