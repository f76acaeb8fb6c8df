"""A2A 1.0, section 4.4."""

import hashlib
import json
import re
from typing import Any

from ..config import AgentConfig, ConfigError, Skill
from .content import JSON_AND_TEXT, modes
from .security import security
from .v0_3.card import with_0_3

A2A_PATH = "/a2a"
CARD_PATH = "/.well-known/agent-card.json"
PROTOCOL_VERSION = "1.0"
CACHE_CONTROL = "public, max-age=300"
HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")
BASE_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


def base_url(config: AgentConfig, host_header: str) -> str:
    """Return AGENT_PUBLIC_URL, else AGENT_HOST and port, else the request's. Raises ConfigError."""
    public = config.environ.get("AGENT_PUBLIC_URL")
    if public:
        if not BASE_URL.fullmatch(public):
            raise ConfigError("AGENT_PUBLIC_URL must be an http or https URL, without a query")
        return public.rstrip("/")
    host = config.environ.get("AGENT_HOST")
    if not host and HOST.fullmatch(host_header):
        return f"http://{host_header}"
    host = host or "localhost"
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


def agent_card(config: AgentConfig, base: str) -> dict[str, Any]:
    description = config.description or f"The agent {config.name}"
    only = Skill(id="run", name=config.name, description=description)
    url = f"{base}{A2A_PATH}"
    card = security(config.environ) | {
        "name": config.name,
        "description": description,
        "version": config.version,
        "supportedInterfaces": [
            {
                "url": url,
                "protocolBinding": "JSONRPC",
                "protocolVersion": PROTOCOL_VERSION,
            }
        ],
        "capabilities": {
            "streaming": True,
            "pushNotifications": False,
            "extendedAgentCard": False,
        },
        "defaultInputModes": JSON_AND_TEXT,
        "defaultOutputModes": JSON_AND_TEXT,
        "skills": [
            # A2A requires a tag.
            skill.model_dump(exclude_defaults=True)
            | {"tags": skill.tags or config.tags or [config.name], **modes(config)}
            for skill in config.skills or [only]
        ],
    }
    return with_0_3(card, url) if config.a2a_0_3 else card


def card_body(config: AgentConfig, base: str) -> bytes:
    return json.dumps(agent_card(config, base), ensure_ascii=False).encode()


def entity_tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(if_none_match: str, tag: str) -> bool:
    """RFC 9110, 13.1.2."""
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in known or known == ["*"]
