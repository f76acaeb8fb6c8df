"""Rates: "300/second", "20/minute", or "off"."""

from agents.rate_limits import parse_rate
from registry_project.settings.base import env
from registry_project.settings.registry import REGISTRY_AUTH


def rate(name: str, in_token_mode: str, *, in_open_mode: str = "off") -> str:
    def parse(text: str) -> str:
        parse_rate(text)
        return text

    default = in_open_mode if REGISTRY_AUTH == "open" else in_token_mode
    return env.parsed(
        name, default, parse, takes='a rate such as 300/second or 20/minute, or "off"'
    )


# 100,000 agents of one token and address register within 90 s.
RATE_REGISTER_PER_TOKEN = rate("RATE_REGISTER_PER_TOKEN", "2000/second")
RATE_REGISTER_PER_ADDRESS = rate("RATE_REGISTER_PER_ADDRESS", "2000/second")
RATE_REGISTER_PER_AGENT = rate("RATE_REGISTER_PER_AGENT", "30/minute")
RATE_READ_PER_TOKEN = rate("RATE_READ_PER_TOKEN", "300/second")
RATE_READ_PER_ADDRESS = rate("RATE_READ_PER_ADDRESS", "300/second")
RATE_DEREGISTER_PER_TOKEN = rate("RATE_DEREGISTER_PER_TOKEN", "1000/second")
RATE_DEREGISTER_PER_ADDRESS = rate("RATE_DEREGISTER_PER_ADDRESS", "1000/second")
RATE_HEARTBEAT_PER_AGENT = rate("RATE_HEARTBEAT_PER_AGENT", "10/second")
# Guessing is limited in open mode too.
RATE_WRONG_TOKENS_PER_ADDRESS = rate(
    "RATE_WRONG_TOKENS_PER_ADDRESS", "30/minute", in_open_mode="30/minute"
)
RATE_WRONG_LOGINS_PER_ADDRESS = rate(
    "RATE_WRONG_LOGINS_PER_ADDRESS", "50/hour", in_open_mode="50/hour"
)
